import type {GroupView, Member} from '../facts/group-view.ts'
import {factsOf, type HostRecord} from '../facts/host-record.ts'
import type {Facts, Receiver, Sender} from '../facts/observation.ts'
import type {GroupAssessment} from './assessment.ts'
import {addPosition, type Position, positionOf} from './positions.ts'

/** What moved of a group since it was judged: no rule takes notice before the primary is asked again. */
export type Moved = Readonly<{records: Map<string, HostRecord>; positions: Position[]}>

export const nothingMoved = (): Moved => ({records: new Map(), positions: []})

/** `before` and `after` an event of one host. */
export type Step = Readonly<{host: string; before: HostRecord; after: HostRecord}>

/**
 * Would the whole judgement find as of `now` what it found before? Only where the group is healthy,
 * and a standby on the timeline of the primary told nothing but new positions and ages (or no answer
 * came at all). Whatever else happened to a host is judged as a whole, and so is every answer of a
 * primary: it is what V2 (c) and (d) compare positions with, and a position speaks only once the
 * primary was asked after it. Where it cannot be told, `false`.
 */
export function isSteady(past: GroupAssessment, step: Step, followersMaxAgeMs: number, now: number): boolean {
  const {host, before, after} = step
  const {members, areAllPlain, until} = indexOf(past, followersMaxAgeMs)
  const member = members.get(host)
  if (member === undefined || !areAllPlain || now >= until) return false
  if (!isHealthy(past) || !isSameRecord(before, after)) return false
  if (before.observation === after.observation) return true
  const primary = members.get(past.state.verdict.primary ?? '')
  const [told, tells] = [factsOf(before), factsOf(after)]
  if (told === null || tells === null || told.session !== tells.session || primary === undefined) return false
  // Until when the judgement stands was found with the answer before: an older one may end sooner.
  if ((after.observation?.askedAt ?? 0) < (before.observation?.askedAt ?? 0)) return false
  if (member.condition.role !== 'standby' || member.timeline === null || member.timeline !== primary.timeline)
    return false
  return isSameFacts(told.facts, tells.facts, followersMaxAgeMs)
}

/** Takes in a step that `isSteady`. */
export function move(moved: Moved, past: GroupAssessment, {host, before, after}: Step): void {
  moved.records.set(host, after)
  const member = indices.get(past.view)?.members.get(host)
  if (member === undefined || before.observation === after.observation) return
  const position = positionOf(shown(member, after))
  if (position !== null) moved.positions.push(position)
}

/** The assessment with what moved since: as if each step had been judged as a whole. */
export function withMoved(past: GroupAssessment, {records, positions}: Moved): GroupAssessment {
  const members = past.view.members.map((member) => {
    const record = records.get(member.host)
    return record === undefined ? member : shown(member, record)
  })
  const notes = {...past.notes, positions: positions.reduce(addPosition, past.notes.positions)}
  return {...past, view: {...past.view, members}, notes}
}

const shown = (member: Member, record: HostRecord): Member => ({
  ...member,
  record,
  askedAt: record.observation?.askedAt ?? null,
  answeredAt: record.observation === null ? null : record.observation.askedAt + record.observation.probeMs,
})

type Index = Readonly<{
  members: ReadonlyMap<string, Member>
  areAllPlain: boolean
  /** Monotonic: until when time alone ends nothing, whether answers come or not. */
  until: number
}>
const indices = new WeakMap<GroupView, Index>()

/** Made once per judgement: the group may have hundreds of hosts. */
function indexOf({view, freshUntil}: GroupAssessment, followersMaxAgeMs: number): Index {
  const known = indices.get(view)
  if (known !== undefined) return known
  // A follower counts while it has heard from its sender.
  const heardUntil = view.members.flatMap(({record, askedAt}) => {
    const ageMs = factsOf(record)?.facts.receiver?.lastMessageAgeMs ?? null
    const until = ageMs === null || askedAt === null ? 0 : askedAt - ageMs + followersMaxAgeMs
    return until >= view.now ? [until] : []
  })
  const index = {
    members: new Map(view.members.map((member) => [member.host, member])),
    areAllPlain: view.members.every(isPlain),
    until: Math.min(freshUntil, ...heardUntil),
  }
  indices.set(view, index)
  return index
}

/**
 * It is as it answered, or does not answer. Where a knock or the like speaks against a host that
 * answers, its answer may go stale, which is another thing, and the judgement does not say when.
 */
const isPlain = ({condition, record}: Member): boolean =>
  condition.role !== 'unavailable' || record.observation?.kind === 'failure'

/** They look at nothing but the hosts. */
const ownSources: ReadonlySet<string> = new Set(['majority', 'followers'])

/** One primary in sight, and nothing that a position could begin or end. */
const isHealthy = ({state: {verdict, evidence}, memory, notes}: GroupAssessment): boolean =>
  verdict.situation === 'healthy' &&
  notes.routed?.phase === 'answering' &&
  notes.deposed === null &&
  memory.unproven === undefined &&
  evidence.every(({source}) => ownSources.has(source))

/** Complete by type: a new field has to say whether it may move. */
const keptOfRecord: Record<Exclude<keyof HostRecord, 'observation' | 'heartbeat' | 'reached'>, true> = {
  settings: true,
  primarySince: true,
  answersSince: true,
  lastAddress: true,
  resolved: true,
  isStopping: true,
  wasOrdered: true,
  knock: true,
  frozen: true,
  duplicateOf: true,
  drained: true,
}
const keptOfFacts: Record<Exclude<keyof Facts, MovingFacts | 'receiver' | 'senders'>, true> = {
  inRecovery: true,
  timeline: true,
  diskTimeline: true,
  readOnly: true,
  applyDelayMs: true,
  replayPaused: true,
  backendsMax: true,
}
type MovingFacts = 'clockMs' | 'lsn' | 'flushLsn' | 'receiveLsn' | 'lastReplayAgeMs' | 'backendsUsed'
const keptOfReceiver: Record<
  Exclude<keyof Receiver, 'lastMessageAgeMs' | 'lastMessageSentMs' | 'latestEndLsn'>,
  true
> = {
  status: true,
  senderHost: true,
  senderPort: true,
  receivedTimeline: true,
}
const keptOfSender: Record<Exclude<keyof Sender, 'replayLsn'>, true> = {
  pid: true,
  applicationName: true,
  clientAddr: true,
  state: true,
  syncState: true,
}

const isSameIn = <T extends object>(kept: Partial<Record<keyof T, true>>) => {
  const keys = Object.keys(kept) as (keyof T)[]
  return (one: T, other: T): boolean => keys.every((key) => one[key] === other[key])
}
const isSameBesideReached = isSameIn<HostRecord>(keptOfRecord)
const isSameBesideMoving = isSameIn<Facts>(keptOfFacts)
const isSameReceiver = isSameIn<Receiver>(keptOfReceiver)
const isSameSender = isSameIn<Sender>(keptOfSender)

const isSameRecord = (before: HostRecord, after: HostRecord): boolean =>
  isSameBesideReached(before, after) &&
  before.reached?.timeline === after.reached?.timeline &&
  before.reached?.startedAt === after.reached?.startedAt

function isSameFacts(told: Facts, tells: Facts, followersMaxAgeMs: number): boolean {
  const [before, after] = [told.receiver, tells.receiver]
  const isHeard = ({lastMessageAgeMs}: Receiver) =>
    lastMessageAgeMs !== null && lastMessageAgeMs < followersMaxAgeMs / 2
  const isSameUpstream =
    before === null || after === null
      ? before === after
      : isSameReceiver(before, after) && isHeard(before) && isHeard(after)
  return (
    isSameUpstream &&
    isSameBesideMoving(told, tells) &&
    told.senders.length === tells.senders.length &&
    told.senders.every((sender, index) => isSameSender(sender, tells.senders[index] as Sender))
  )
}
