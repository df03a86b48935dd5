import type {Orders, SnapshotSource} from '../../core/ports.ts'
import type {Action} from '../../ui/action.ts'
import {whoAsks} from './channel.ts'
import {type Channel, order} from './order.ts'

/** `d` in `watch`: takes the selected host out of rotation, or puts it back, by the daemon. */
export function drainAction(source: SnapshotSource, channel: () => Promise<Channel>, env: NodeJS.ProcessEnv): Action {
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
      const who = {by: whoAsks(env) ?? 'watch', reason: null}
      return {
        text,
        async run() {
          const {done} = await order(await channel(), `/v1/hosts/${encodeURIComponent(host)}/${verb}`, who)
          // A monitor in this process learns nothing from the daemon: it gets the order too.
          if (isMonitor(source)) await source[verb](host, who)
          return String(done)
        },
      }
    },
  }
}

const isMonitor = (source: SnapshotSource): source is SnapshotSource & Orders => 'drain' in source
