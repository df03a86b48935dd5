import type {Config} from '../../config/config.ts'
import {OperatorError} from '../../core/errors.ts'
import {noMeter} from '../../core/no-meter.ts'
import {findServer, serverMismatch} from '../../core/offers/server-lookup.ts'
import type {MonitorSettings} from '../../core/settings.ts'
import {silentLog} from '../../core/silent-log.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {unknownNameError} from '../../core/unknown-name.ts'
import {judgeOnce} from '../../monitor/judge-once.ts'
import {answerCheck, type CheckRole} from '../../protocol/check-answer.ts'
import {forgoRoots} from '../../sources/pg/encryption.ts'
import {driverFor} from '../../sources/pg/host-drivers.ts'
import {addressesOf, resolver} from '../../sources/pg/resolver.ts'
import {systemClock} from '../../system/clock.ts'
import {memoryStore} from '../state/memory-store.ts'
import type {CheckBody} from './answer.ts'
import type {CheckQuestion} from './arguments.ts'
import type {CheckDeps} from './ask.ts'
import {externalEvidence} from './external-evidence.ts'
import {findConfigured, serverOf} from './meant.ts'
import type {CheckRequest} from './request.ts'

/**
 * What the daemon would answer, without a daemon: the same judgement, the same text. A host that
 * has not answered shortly before the deadline has the cause `timeout`. `reason`: why no daemon
 * answers. Throws OperatorError.
 */
export async function judgeDirectly(
  request: CheckRequest,
  config: Config,
  {version, deadline, reason}: CheckDeps & Readonly<{reason: string | null}>,
): Promise<CheckBody> {
  const question = questionTo(config, request)
  const settings = relevantTo(config, question)
  const isPlaced = refuseMismatch(config, question)
  const store = memoryStore(config.stateDir)
  forgoRoots()
  const {signal} = deadline
  const evidence = await externalEvidence(settings)
  const [snapshot, resolved] = await Promise.all([
    judgeOnce({
      settings,
      driver: driverFor(settings, systemClock, silentLog),
      ...(evidence && {evidence}),
      clock: systemClock,
      random: Math.random,
      store,
      meter: noMeter,
      version,
      signal,
    }),
    isPlaced
      ? []
      : Promise.all(config.hosts.map(({connection}) => addressesOf(connection, resolver(systemClock), signal))),
  ])
  refuseMismatch(config, question, resolved)
  const [host, role] = [hostMeant(question, snapshot), roleOf(config, question)]
  const at = {now: systemClock.now(), wall: systemClock.wall()}
  const {maxLag} = request
  const body = answerCheck({snapshot, at, host, role, maxLag, group: question.group, via: 'direct', reason})
  return {...body, recognised: true}
}

/** A connection string with one host asks about that host, one with several asks about all of them. */
function questionTo({hosts: [first, ...others]}: Config, {question, dsns}: CheckRequest): CheckQuestion {
  return dsns.length > 0 && first && others.length === 0 ? {...question, server: first.name} : question
}

/** The role that was given, else the role that HAProxy's backend stands for, else the primary. */
function roleOf({haproxy: {backends}}: Config, {role, proxy}: CheckQuestion): CheckRole {
  const backend = proxy !== null && Object.hasOwn(backends, proxy) ? backends[proxy] : undefined
  return (role as CheckRole | null) ?? (backend === 'replica' ? 'standby' : backend) ?? 'primary'
}

/** `null`: the question is about the group. */
function hostMeant(question: CheckQuestion, snapshot: Snapshot): string | null {
  const {server, address, port} = question
  if (server === null && address === null) return null
  const asked = serverOf(question)
  const found = findServer(asked, snapshot)
  if (found.kind === 'host') return found.host.host
  if (found.kind === 'mismatch') throw serverMismatch(asked, found)
  throw new OperatorError(
    'UNKNOWN_HOST',
    `there is no host "${server}"${address === null ? '' : `, nor one at ${address}:${port}`}`,
    'Name the server in HAProxy like a host of the configuration, or give it the address and port of a host.',
  )
}

/**
 * By the configured addresses of every host, and the `resolved` ones: the snapshot has the groups of
 * the named host alone. Throws OperatorError. False: the address of the server is none of them.
 */
function refuseMismatch(config: Config, question: CheckQuestion, resolved?: readonly (readonly string[])[]): boolean {
  const asked = serverOf(question)
  const found = findConfigured(config, asked, resolved)
  if (found.kind === 'mismatch') throw serverMismatch(asked, found)
  return found.kind === 'host' ? found.isAddressKnown : question.address === null
}

/**
 * The groups of the host, or the group that is asked about: other groups cost time and change
 * nothing. An unknown name is refused before any server is asked. HAProxy's own name for a server
 * may differ from the host's name in the configuration; its address is looked up in that case.
 */
function relevantTo(config: Config, {server, address, group}: CheckQuestion): MonitorSettings {
  const hosts = config.hosts.map(({name}) => name)
  const groups = config.groups.map(({name}) => name)
  if (group !== null && !groups.includes(group)) throw unknownNameError('group', group, groups)
  const isKnown = server !== null && hosts.includes(server)
  if (server !== null && address === null && !isKnown) throw unknownNameError('host', server, hosts)
  if (!isKnown && group === null) return config

  // The group that is asked about stays in, also without the host: the answer has to see the group
  // to refuse the host in it.
  const own = config.groups.filter((one) => (isKnown ? one.hosts.includes(server) : one.name === group))
  const named = config.groups.filter((one) => one.name === group && !own.includes(one))
  const members = new Set([...[...own, ...named].flatMap((one) => one.hosts), ...(isKnown ? [server] : [])])
  return {...config, groups: [...own, ...named], hosts: config.hosts.filter(({name}) => members.has(name))}
}
