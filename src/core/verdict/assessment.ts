import {changesOfGroup, changesOfHost} from '../changes.ts'
import type {HeldConfirmations} from '../evidence/confirmation.ts'
import {atOddsFrom, dateContradictions} from '../evidence/contradiction.ts'
import type {CollectedEvidence} from '../evidence/evidence.ts'
import type {Sources} from '../evidence/evidence-source.ts'
import {type GroupView, type Member, viewGroup} from '../facts/group-view.ts'
import type {HostRecord} from '../facts/host-record.ts'
import {describeHost} from '../facts/host-state.ts'
import {identify} from '../facts/identity.ts'
import type {GroupSettings} from '../settings.ts'
import {type Change, causeOf, type GroupState, type HostState} from '../snapshot.ts'
import type {GroupMemory} from './group-memory.ts'
import type {Notes} from './memory.ts'
import {judge} from './verdict.ts'

/** What is carried from one assessment of a group to the next. */
export type GroupPast = Readonly<{
  state: GroupState | undefined
  memory: GroupMemory
  notes: Notes
  held: HeldConfirmations
  /**
   * Hosts that a reload has added. Until each was asked once, the others are judged as before.
   */
  joining?: ReadonlySet<string>
}>

export type GroupAssessment = Readonly<{
  state: GroupState
  memory: GroupMemory
  notes: Notes
  held: HeldConfirmations
  view: GroupView
  changes: readonly Change[]
  /**
   * Monotonic: when the first answer behind this goes stale, of a host or of a source. Past it,
   * the assessment must be made anew before it is repeated.
   */
  freshUntil: number
}>

export type GroupQuestion = Readonly<{
  group: GroupSettings
  records: readonly HostRecord[]
  past: GroupPast
  sources: Sources
  /** Sources that are shown even where they are not required. */
  shown?: readonly string[]
  limits: Readonly<{maxAgeMs: number; followersMaxAgeMs: number}>
  /** Monotonic: as of when. */
  now: number
  /** Wall clock, only for `since`. */
  wall: number
}>

/** Judges one group as of `now`. */
export function assessGroup(question: GroupQuestion): GroupAssessment {
  const {group, records, past, sources, shown = [], limits, now, wall} = question
  const {maxAgeMs, followersMaxAgeMs} = limits
  const identity = identify(group.systemIdentifier ?? past.memory.systemIdentifier, records)
  const view = viewGroup({group: group.name, records, identity, now, maxAgeMs})
  const isMember = ({host, record}: Member) => record.observation !== null || !past.joining?.has(host)
  const {
    verdict,
    evidence: collected,
    memory,
    notes,
    held,
    until = Number.POSITIVE_INFINITY,
  } = judge({
    view: {...view, members: view.members.filter(isMember)},
    settings: group,
    memory: past.memory,
    notes: past.notes,
    before: past.state?.verdict ?? null,
    held: past.held,
    sources,
    shown,
    followersMaxAgeMs,
  })
  const evidence = dateContradictions(collected, past.state?.evidence ?? [], now)
  const draft: GroupState = {name: group.name, hosts: group.hosts, evidence, verdict: {...verdict, since: wall}}
  const changes = changesOfGroup(past.state, draft)
  const isSame = past.state !== undefined && !changes.some(({kind}) => kind === 'verdict')
  const state = isSame ? {...draft, verdict: {...draft.verdict, since: past.state?.verdict.since ?? wall}} : draft
  const answered = view.members
    .filter(({condition}) => condition.role !== 'unavailable')
    .map(({askedAt}) => (askedAt ?? now) + maxAgeMs)
  const said = evidence.map(({freshUntil}) => freshUntil ?? Number.POSITIVE_INFINITY)
  const freshUntil = Math.min(until, ...answered, ...said, ...heldUntil(evidence, held, group), ...atOddsFrom(evidence))
  return {state, memory, notes, held, view, changes, freshUntil}
}

/** When the confirmations end that stand only because a silent source confirmed before. */
function heldUntil(
  evidence: readonly CollectedEvidence[],
  held: HeldConfirmations,
  {onSilent}: GroupSettings,
): readonly number[] {
  if (typeof onSilent === 'string') return []
  const silent = evidence.filter(({answer}) => answer === 'silent').map(({source}) => held[source])
  return silent.filter((item) => item !== undefined).map(({askedAt, holdMs}) => askedAt + holdMs)
}

export type HostAssessment = Readonly<{state: HostState; changes: readonly Change[]}>

/** `before`: the state that was shown last. `wall`: now, for `since`. */
type Showing = Readonly<{before: HostState | undefined; availabilityOn: boolean; wall: number}>

/**
 * The public state of one host, seen through the first of its groups whose verdict has a primary
 * (its lag is measured against that one). `null`: none of the groups knows the host.
 */
export function assessHost({
  host,
  through,
  ...showing
}: Showing & Readonly<{host: string; through: readonly GroupAssessment[]}>): HostAssessment | null {
  const chosen = through.find(({state}) => state.verdict.primary !== null) ?? through[0]
  const member = chosen?.view.members.find((candidate) => candidate.host === host)
  if (!chosen || !member) return null
  const {view, state} = chosen
  const groups = through.map(({state}) => state.name)
  return shownAs({member, view, primary: state.verdict.primary, groups}, showing)
}

/** A host that no group names, as of `now`: its cluster is its own. */
export const viewUngrouped = (record: HostRecord, now: number, maxAgeMs: number): GroupView =>
  viewGroup({group: null, records: [record], identity: identify(null, [record]), now, maxAgeMs})

/** The public state of a host that no group names. `view`: of that host alone. */
export function assessUngrouped({view, ...showing}: Showing & Readonly<{view: GroupView}>): HostAssessment | null {
  const [member] = view.members
  return member ? shownAs({member, view, primary: null, groups: []}, showing) : null
}

type Described = Readonly<{member: Member; view: GroupView; primary: string | null; groups: readonly string[]}>

function shownAs({member, view, primary, groups}: Described, {before, availabilityOn, wall}: Showing): HostAssessment {
  const draft = describeHost({member, view, primary, groups, availabilityOn, since: wall})
  const isSame = before !== undefined && before.role === draft.role && causeOf(before) === causeOf(draft)
  const state = isSame ? {...draft, since: before.since} : draft
  return {state, changes: changesOfHost(before, state)}
}
