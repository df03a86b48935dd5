import type {Orders, SnapshotSource} from '../../core/ports.ts'
import type {HostState} from '../../core/snapshot.ts'
import type {Action} from '../../ui/action.ts'
import {whoAsks} from './channel.ts'
import {type Channel, order} from './order.ts'

type Given = Readonly<{source: SnapshotSource; channel: () => Promise<Channel>; who: Who}>
type Who = Readonly<{by: string; reason: null}>

/** The keys of `watch` that give orders. Each asks first, and the daemon carries it out. */
export function orderActions(
  source: SnapshotSource,
  channel: () => Promise<Channel>,
  env: NodeJS.ProcessEnv,
): readonly Action[] {
  const given: Given = {source, channel, who: {by: whoAsks(env) ?? 'watch', reason: null}}
  return [drainAction(given), acceptAction(given), maintenanceAction(given)]
}

/** Takes the selected host out of rotation, or puts it back. */
function drainAction({source, channel, who}: Given): Action {
  return {
    key: 'd',
    label: 'drain/resume',
    question(host) {
      const {hosts, groups} = source.current()
      const verb = hosts[host]?.drained ? 'resume' : 'drain'
      const isWritten = Object.values(groups).some(({verdict}) => verdict.routedTo === host)
      const loss = isWritten ? ' It is the primary: writes stop until it is resumed.' : ''
      const text = {
        drain: `take ${host} out of rotation?${loss}`,
        resume: `put ${host} back into rotation?`,
      }[verb]
      return {
        text,
        async run() {
          const {done} = await order(await channel(), pathOf(host, verb), who)
          // A monitor in this process learns nothing from the daemon: it gets the order too.
          if (isMonitor(source)) await source[verb](host, who)
          return String(done)
        },
      }
    },
  }
}

/** Declares the selected host the primary, whatever else the evidence says. */
function acceptAction({source, channel, who}: Given): Action {
  return {
    key: 'a',
    label: 'accept',
    question(host) {
      const {hosts} = source.current()
      const isOfGroup = ({groups}: HostState) => groups.some((group) => hosts[host]?.groups.includes(group))
      const others = Object.values(hosts).filter(
        (other) => other.role === 'primary' && other.host !== host && isOfGroup(other),
      )
      const rivals = others.length === 0 ? '' : ` ${others.map(({host: name}) => name).join(', ')} is a primary too.`
      return {
        text: `accept ${host} as the primary, and its cluster and timeline as the right ones?${rivals}`,
        async run() {
          const {done} = await order(await channel(), pathOf(host, 'accept'), who)
          if (isMonitor(source)) await source.accept(host, who)
          return String(done)
        },
      }
    },
  }
}

/** Freezes the actuators, or lets them go on. It concerns no host. */
function maintenanceAction({source, channel, who}: Given): Action {
  return {
    key: 'm',
    label: 'maintenance',
    isOfHost: false,
    question() {
      const isOn = source.current().maintenance === null
      return {
        text: isOn
          ? 'freeze every actuator, until "m" or "maintenance off"? Routers then follow no switch.'
          : 'end the maintenance? The actuators bring every router in step.',
        async run() {
          const {done} = await order(await channel(), '/v1/maintenance', {...who, on: isOn})
          if (isMonitor(source)) await source.maintain({isOn, untilMs: null}, who)
          return String(done)
        },
      }
    },
  }
}

const pathOf = (host: string, verb: string) => `/v1/hosts/${encodeURIComponent(host)}/${verb}`

const isMonitor = (source: SnapshotSource): source is SnapshotSource & Orders => 'drain' in source
