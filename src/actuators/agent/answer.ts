import {parseLag} from '../../core/limits.ts'
import {isDeposed} from '../../core/offers/deposed.ts'
import {eligibilityOf, type Limits, noLimits} from '../../core/offers/eligibility.ts'
import {eligibleHosts, isUnasked, type PoolRole} from '../../core/offers/pools.ts'
import {findServer, serverMismatch} from '../../core/offers/server-lookup.ts'
import {readServer, type ServerName} from '../../core/offers/server-name.ts'
import type {ReadFallback} from '../../core/settings.ts'
import {causeOf, type HostState, type Snapshot, type Verdict} from '../../core/snapshot.ts'

export type AgentQuestion = Readonly<{server: ServerName; role: PoolRole; limits: Limits}>

/**
 * The question of the health check beside the agent; the answer is `alive`. No host can have this
 * name.
 */
const aliveQuestion = 'alive?'
const roles: Readonly<Record<string, PoolRole>> = {
  primary: 'primary',
  replica: 'replica',
  standby: 'replica',
  'read-only': 'read-only',
}

/**
 * One line for HAProxy's agent-check (its configuration manual, 5.2 "agent-check"), without a line
 * break. `question`: `host1@10.0.0.1:5432 primary`, or `host1 replica lag=16MB`; the default role is
 * `primary`. With its address, a server that has the address of another host gets `down`.
 * HAProxy asks for one server at a time, so its pool is taken to be all hosts of the host's groups.
 * An answer that HAProxy does not understand leaves a server as it is for ever, so a question that
 * cannot be understood gets `down`.
 *
 * - `ready up 70%`: HAProxy opens new connections, by weight. `ready`, because `up` alone does not
 *   lift `drain`, `maint` and `disabled`.
 * - `drain`: no new connections; open ones stay.
 * - `down #why`: no new connections; with `on-marked-down shutdown-sessions` HAProxy cuts open ones.
 * - `maint #why`: as `down`; the host is in no cluster of this configuration.
 * - an empty line: HAProxy changes nothing. The answer in maintenance (`isFrozen`), and for a group
 *   that is starting (V0), where a pushed HAProxy gets no command either.
 */
export function agentAnswer(
  question: string,
  snapshot: Snapshot,
  fallback: (group: string) => ReadFallback,
  isFrozen = false,
): string {
  const text = question.trim()
  if (text === aliveQuestion) return 'alive'
  if (isFrozen) return ''
  const asked = agentQuestion(text)
  if (asked === null)
    return `down #${printable(`cannot understand "${text}": send "host1 primary" or "host1 replica lag=16MB"`)}`
  const {server, role, limits} = asked
  const found = findServer(server, snapshot)
  if (found.kind === 'mismatch') return `down #${printable(serverMismatch(server, found).message)}`
  if (found.kind === 'unknown') return `down #${printable(`unknown host "${server.name}"`)}`
  const {host} = found
  if (isUnasked(host, snapshot)) return ''
  if (eligibleHosts({role, hosts: poolOf(host, snapshot), snapshot, fallback, limits}).includes(host.host))
    return `ready up ${weight(host, limits)}%`
  const why = printable(reasonAgainst(asked, host, snapshot))
  if (causeOf(host) === 'foreign-cluster') return `maint #${why}`
  if (role === 'primary') return writerAnswer(host, snapshot, why)
  return host.drained === null ? `down #${why}` : 'drain'
}

/**
 * The writer that HAProxy asks for, and the hosts that must not be writers beside it; `null`: the
 * question is not for a writer.
 */
export function writerQuestion(
  question: string,
  snapshot: Snapshot,
): Readonly<{host: string; others: readonly string[]}> | null {
  const asked = agentQuestion(question.trim())
  const found = asked?.role === 'primary' ? findServer(asked.server, snapshot) : null
  if (found?.kind !== 'host') return null
  const {host} = found
  return {host: host.host, others: poolOf(host, snapshot).filter((name) => name !== host.host)}
}

/** The server in the question, where its name alone says which host it is; `null`: another question. */
export function serverNamedOnly(
  question: string,
  snapshot: Snapshot,
): Readonly<{server: ServerName; host: string}> | null {
  const server = agentQuestion(question.trim())?.server ?? null
  const found = server && findServer(server, snapshot)
  return found?.kind === 'host' && !found.isAddressKnown ? {server: server as ServerName, host: found.host.host} : null
}

/** `null`: not a question. A bare number in `lag=` is bytes, as in Patroni. */
export function agentQuestion(text: string): AgentQuestion | null {
  const [asked = '', word = 'primary', ...rest] = text.split(/\s+/)
  const role = Object.hasOwn(roles, word) ? roles[word] : undefined
  const server = readServer(asked)
  if (role === undefined || rest.length > 1 || server === null) return null
  const [limit] = rest
  if (limit === undefined) return {server, role, limits: noLimits}
  const limits = limit.startsWith('lag=') ? parseLag(limit.slice(4), 'bytes') : null
  return limits && {server, role, limits}
}

/** `down` cuts the sessions of writers. With `drain` HAProxy opens no new ones, and open ones survive. */
function writerAnswer(host: HostState, snapshot: Snapshot, why: string): string {
  if (isDeposed(host, snapshot)) return `down #${why}`
  return host.drained === null ? `drain #${why}` : 'drain'
}

/** From 100 without lag to 1 at the limit or with unknown lag (a fallback to any). 100 without a limit. */
function weight(host: HostState, {lagBytes, lagMs}: Limits): number {
  if (host.role !== 'standby') return 100
  const share = Math.max(
    lagBytes ? (host.lagBytes ?? lagBytes) / lagBytes : 0,
    lagMs ? (host.lagMs ?? lagMs) / lagMs : 0,
  )
  return Math.max(1, Math.round(100 - 99 * Math.min(1, share)))
}

function reasonAgainst({role, limits}: AgentQuestion, host: HostState, snapshot: Snapshot): string {
  // For a primary the verdict says why routers do not get it; eligibility only says "primary".
  const unrouted =
    host.role === 'primary' ? verdictsOf(host, snapshot).find(({routedTo}) => routedTo !== host.host) : undefined
  return unrouted?.why ?? eligibilityOf(role, snapshot, host, limits).why
}

const verdictsOf = (host: HostState, snapshot: Snapshot): readonly Verdict[] =>
  host.groups.flatMap((name) => snapshot.groups[name]?.verdict ?? [])
const poolOf = (host: HostState, snapshot: Snapshot): readonly string[] => [
  ...new Set(host.groups.flatMap((name) => snapshot.groups[name]?.hosts ?? [])),
]

/** HAProxy keeps some 128 characters of the reason, for its log and its statistics. */
function printable(text: string): string {
  const line = text.replaceAll(/[^\x20-\x7e]/g, '?')
  return line.length > 120 ? `${line.slice(0, 117)}...` : line
}
