import type {ErrorCode} from '../core/error-codes.ts'
import {eligibilityOf, type Limits} from '../core/offers/eligibility.ts'
import {enumerate} from '../core/phrases.ts'
import type {GroupState, HostState, Snapshot, Verdict} from '../core/snapshot.ts'
import {unknownName} from '../core/unknown-name.ts'
import {toldSituation} from '../core/verdict/situation.ts'
import {isDoubtful, isStarting, mayRoute} from '../core/verdict/verdict-kind.ts'
import type {Predicate} from '../core/vocabulary.ts'
import {describeGroup} from './check-text.ts'
import type {CheckExit} from './exit-codes.ts'
import {hostToWire, type Moment, verdictToWire, type WireHost, type WireVerdict} from './snapshot-json.ts'

export const checkRoles = ['primary', 'standby', 'read-only', 'any'] as const
export type CheckRole = (typeof checkRoles)[number]
const predicateOf: Readonly<Record<CheckRole, Predicate>> = {
  primary: 'primary',
  standby: 'replica',
  'read-only': 'read-only',
  any: 'health',
}

export type CheckAnswer = Readonly<{
  exit: CheckExit
  ok: boolean
  host: string | null
  asked: CheckRole
  /** One line for a host; for groups the answer, then the verdict, then a line per host. */
  text: string
  via: string
  /** Of the group that decided; `null`: the host is in none. */
  verdict: WireVerdict | null
  /** The hosts of the groups that were looked at. */
  hosts: Readonly<Record<string, WireHost>>
  group: string | null
  /** Why no daemon gave this answer. `null`: a daemon did, or none was asked. */
  reason: string | null
}>
export type CheckError = Readonly<{
  exit: 2
  ok: false
  error: Readonly<{code: ErrorCode; message: string; next: string}>
}>

export type CheckAsked = Readonly<{
  snapshot: Snapshot
  at: Moment
  /** `null`: the whole group, or all of them. */
  host: string | null
  role: CheckRole
  maxLag: Limits
  group: string | null
  /** What answers: `daemon`, or the direct probe. */
  via: string
  /** Why no daemon answers. */
  reason: string | null
}>

/**
 * What `check` prints and exits with, and the body of `/v1/check` (DESIGN 6.1). The daemon and a
 * direct probe give the same answer.
 */
export function answerCheck(asked: CheckAsked): CheckAnswer | CheckError {
  const {snapshot, host, group} = asked
  if (group !== null && !Object.hasOwn(snapshot.groups, group))
    return unknown('group', group, Object.keys(snapshot.groups))
  if (host === null) {
    const groups = Object.values(snapshot.groups).filter(({name}) => group === null || name === group)
    return ofGroups(asked, groups)
  }
  const state = Object.hasOwn(snapshot.hosts, host) ? snapshot.hosts[host] : undefined
  if (state === undefined) return unknown('host', host, Object.keys(snapshot.hosts))
  if (group !== null && !state.groups.includes(group))
    return unknown('host', host, snapshot.groups[group]?.hosts ?? [], {where: ` in ${group}`})
  return ofHost(asked, state)
}

/**
 * Exit code 4 goes before 3, 3 before 1, and 1 before 0. V1 to V3 cast doubt on a primary only; V0
 * casts doubt on every host.
 */
function ofHost(asked: CheckAsked, host: HostState): CheckAnswer {
  const {snapshot, role, maxLag} = asked
  const groups = host.groups
    .map((name) => snapshot.groups[name])
    .filter((group): group is GroupState => group !== undefined)
  const ordered = [
    ...groups.filter(({name}) => name === asked.group),
    ...groups.filter(({name}) => name !== asked.group),
  ]
  const {ok, why} = eligibilityOf(predicateOf[role], snapshot, host, maxLag)
  const doubtful = ordered.find(({verdict}) => isStarting(verdict) || (role === 'primary' && isDoubtful(verdict)))
  // In a split brain one host may be routed to all the same, where the operator chose
  // follow-evidence and every group offers the host.
  const isRouted = role === 'primary' && ok
  const decide = (exit: CheckExit, text: string, group = ordered[0]) =>
    answer(asked, exit, {host: host.host, text: `${host.host}: ${without(host.host, text)}`, group, groups})

  if (doubtful && !isRouted) return decide(4, told(doubtful.verdict), doubtful)
  if (ok) return decide(0, why)
  if (host.role === 'unavailable') return decide(3, eligibilityOf('health', snapshot, host, maxLag).why)
  const against = role === 'primary' ? ordered.find(({verdict}) => verdict.routedTo !== host.host) : undefined
  return decide(1, against && host.role === 'standby' ? `a standby; ${why}` : why, against)
}

/** For a primary, exit code 4 goes before 5, 5 before 1, and 1 before 0. For the other roles one
 * eligible host is enough. */
function ofGroups(asked: CheckAsked, groups: readonly GroupState[]): CheckAnswer {
  const {snapshot, role, maxLag} = asked
  const isSole = groups.length === 1
  const sentence = ({name, verdict}: GroupState) => (isSole ? told(verdict) : `${name}: ${told(verdict)}`)
  const decide = (exit: CheckExit, first: readonly string[], group = groups[0]) => {
    const lines = groups.flatMap((one) => describeGroup(one, snapshot, isSole))
    return answer(asked, exit, {host: null, text: [...first, ...lines].join('\n'), group, groups})
  }

  const starting = groups.find(({verdict}) => isStarting(verdict))
  if (role === 'primary') {
    const found = (is: (verdict: GroupState['verdict']) => boolean) => groups.find(({verdict}) => is(verdict))
    const verdicts = groups.map(sentence)
    const doubtful = starting ?? found(isDoubtful)
    if (doubtful) return decide(4, verdicts, doubtful)
    const headless = found(({kind}) => kind === 'no-primary')
    if (headless || groups.length === 0)
      return decide(5, groups.length === 0 ? ['the configuration has no group'] : verdicts, headless)
    const drained = found((verdict) => !mayRoute(verdict))
    return drained ? decide(1, verdicts, drained) : decide(0, verdicts)
  }
  if (starting) return decide(4, groups.map(sentence), starting)
  const members = [...new Set(groups.flatMap(({hosts}) => hosts))].flatMap((name) => snapshot.hosts[name] ?? [])
  const asks = members.map((host) => ({host, ...eligibilityOf(predicateOf[role], snapshot, host, maxLag)}))
  const eligible = asks.filter(({ok}) => ok).map(({host}) => host.host)
  const verdicts = groups.map(sentence)
  if (eligible.length > 0) return decide(0, [`${role}: ${enumerate(eligible)}`, ...verdicts])
  const isAnyUp = members.some(({role: is}) => is !== 'unavailable')
  const reasons = asks.map(({why}) => why).join('; ')
  return decide(isAnyUp ? 1 : 3, [`${role}: none${reasons === '' ? '' : ` (${reasons})`}`, ...verdicts])
}

type Outcome = Readonly<{
  host: string | null
  text: string
  group: GroupState | undefined
  groups: readonly GroupState[]
}>

function answer(
  {snapshot, at, role, via, reason}: CheckAsked,
  exit: CheckExit,
  {host, text, group, groups}: Outcome,
): CheckAnswer {
  const names = new Set([...(host === null ? [] : [host]), ...groups.flatMap(({hosts}) => hosts)])
  const hosts = Object.entries(snapshot.hosts).filter(([name]) => names.has(name))
  return {
    exit,
    ok: exit === 0,
    host,
    asked: role,
    text,
    via,
    verdict: group ? verdictToWire(group.verdict) : null,
    hosts: Object.fromEntries(hosts.map(([name, state]) => [name, hostToWire(state, at)])),
    group: group?.name ?? null,
    reason,
  }
}

/** The reason, and the name under which the runbook says what to do. */
function told(verdict: Verdict): string {
  const situation = toldSituation(verdict)
  return situation === null ? verdict.why : `${verdict.why} [${situation}]`
}

/** Keeps the name from appearing twice, as in "host1: host1 is a standby". */
function without(host: string, sentence: string): string {
  const rest = sentence.startsWith(`${host} `) ? sentence.slice(host.length + 1) : sentence
  return rest.startsWith('and ') ? sentence : rest.replace(/^is /, '')
}

const unknown = (...asked: Parameters<typeof unknownName>): CheckError => ({
  exit: 2,
  ok: false,
  error: unknownName(...asked),
})
