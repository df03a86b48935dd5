import type {Config} from '../../config/config.ts'
import {nearest} from '../../config/reading/nearest.ts'
import {OperatorError} from '../../core/errors.ts'
import {noMeter} from '../../core/no-meter.ts'
import type {Limits} from '../../core/offers/eligibility.ts'
import {hostOfServer} from '../../core/offers/server-lookup.ts'
import type {MonitorSettings} from '../../core/settings.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {judgeOnce} from '../../monitor/judge-once.ts'
import {answerCheck, type CheckRole} from '../../protocol/check-answer.ts'
import {forgoRoots} from '../../sources/pg/encryption.ts'
import {driverFor} from '../../sources/pg/host-drivers.ts'
import {systemClock} from '../../system/clock.ts'
import {memoryStore} from '../state/memory-store.ts'
import type {CheckBody} from './body.ts'
import type {CheckQuestion} from './question.ts'

export type DirectCheck = Readonly<{
  config: Config
  question: CheckQuestion
  maxLag: Limits
  version: string
  /** A host that has not answered by then has the cause `timeout`. */
  signal: AbortSignal
}>

/**
 * What the daemon would answer, without one: the same judging, the same words. Throws
 * OperatorError.
 */
export async function answerDirectly({config, question, maxLag, version, signal}: DirectCheck): Promise<CheckBody> {
  const settings = bearingOn(config, question)
  forgoRoots()
  const snapshot = await judgeOnce({
    settings,
    driver: driverFor(settings, systemClock),
    clock: systemClock,
    random: Math.random,
    store: memoryStore(config.stateDir),
    meter: noMeter,
    version,
    signal,
  })
  const host = question.server === null && question.address === null ? null : hostMeant(question, snapshot)
  const at = {now: systemClock.now(), wall: systemClock.wall()}
  return answerCheck({snapshot, at, host, role: roleOf(config, question), maxLag, group: question.group, via: 'direct'})
}

/** What is asked for: said, or what HAProxy's backend is for, or the primary. */
function roleOf({haproxy: {backends}}: Config, {role, proxy}: CheckQuestion): CheckRole {
  const backend = proxy !== null && Object.hasOwn(backends, proxy) ? backends[proxy] : undefined
  return (role as CheckRole | null) ?? (backend === 'replica' ? 'standby' : backend) ?? 'primary'
}

function hostMeant({server, address, port}: CheckQuestion, snapshot: Snapshot): string {
  const host = hostOfServer({name: server, address, port: port === null ? null : Number(port)}, snapshot)
  if (host) return host.host
  throw new OperatorError(
    'UNKNOWN_HOST',
    `there is no host "${server}"${address === null ? '' : `, nor one at ${address}:${port}`}`,
    'Name the server of HAProxy like a host of the configuration, or give it the address and port of one.',
  )
}

/**
 * The groups of the host, or the group that is asked about: other clusters cost time and say
 * nothing. A name that is unknown is told before anybody is asked; but HAProxy's own name for a
 * server may be no name of ours, and then its address is looked for.
 */
function bearingOn(config: Config, {server, address, group}: CheckQuestion): MonitorSettings {
  const hosts = config.hosts.map(({name}) => name)
  const groups = config.groups.map(({name}) => name)
  if (group !== null && !groups.includes(group)) throw unknown('group', group, groups)
  const isKnown = server !== null && hosts.includes(server)
  if (server !== null && address === null && !isKnown) throw unknown('host', server, hosts)
  if (!isKnown && group === null) return config

  const bearing = config.groups.filter((one) => (isKnown ? one.hosts.includes(server) : one.name === group))
  const members = new Set([...bearing.flatMap((one) => one.hosts), ...(isKnown ? [server] : [])])
  // A group that does not have the host is refused by the answer, which has to see it.
  const asked = config.groups.filter((one) => one.name === group && !bearing.includes(one))
  const isMember = (name: string) => members.has(name) || asked.some((one) => one.hosts.includes(name))
  return {...config, groups: [...bearing, ...asked], hosts: config.hosts.filter(({name}) => isMember(name))}
}

function unknown(kind: 'host' | 'group', name: string, known: readonly string[]): OperatorError {
  const meant = nearest(name, known)
  const some = known.length > 10 ? `${known.slice(0, 10).join(', ')} …` : known.join(', ') || 'none'
  const next = meant === null ? `There is ${some}.` : `Did you mean "${meant}"? There is ${some}.`
  return new OperatorError(kind === 'host' ? 'UNKNOWN_HOST' : 'UNKNOWN_GROUP', `there is no ${kind} "${name}"`, next)
}
