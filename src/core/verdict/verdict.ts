import {checkConfirmations, type HeldConfirmations, identitySource} from '../evidence/confirmation.ts'
import {type CollectedEvidence, collect} from '../evidence/evidence.ts'
import type {Sources} from '../evidence/evidence-source.ts'
import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import {areIs, enumerate} from '../phrases.ts'
import type {GroupSettings} from '../settings.ts'
import type {Decision, Evidence, Verdict} from '../snapshot.ts'
import {isBlind} from '../vocabulary.ts'
import type {GroupMemory} from './group-memory.ts'
import {remember} from './memory.ts'
import {findSuspect} from './suspect.ts'

export type Case = Readonly<{
  view: GroupView
  settings: GroupSettings
  memory: GroupMemory
  held: HeldConfirmations
  /** Every source of evidence there is, required or not. */
  sources: Sources
  /** Names of the sources that are shown even where they are not required. */
  shown: readonly string[]
  followersMaxAgeMs: number
}>
export type Judgement = Readonly<{
  /** Undated: the caller knows since when the verdict has been what it is. */
  verdict: Decision & Pick<Verdict, 'primaries' | 'blind'>
  evidence: readonly CollectedEvidence[]
  memory: GroupMemory
  held: HeldConfirmations
}>

/**
 * One ordered decision (DESIGN 4.2): the first rule that holds wins. Pure; `view.now` is data,
 * never a clock read.
 */
export function judge(given: Case): Judgement {
  const {view, settings} = given
  const primaries = view.members.filter(({condition: standing}) => standing.role === 'primary')
  const memory = remember(given.memory, view, primaries)
  const blind = view.members.filter(({condition: standing}) => isBlind(standing.cause)).map(({host}) => host)
  const decide = (
    decision: Decision,
    evidence: readonly CollectedEvidence[] = [],
    held: HeldConfirmations = {},
    kept: GroupMemory = memory,
  ): Judgement => ({
    verdict: {...decision, primaries: primaries.map(({host}) => host).sort(), blind},
    evidence,
    memory: kept,
    held,
  })
  const none = {primary: null, routedTo: null}

  // After a gap everything is as unknown as at the start: were the first answer taken for all there
  // is, an old primary that answers first would be routed to. A stale answer is renewed, or
  // replaced by a cause, within the timeout of one question.
  const unknown = view.members
    .filter(({record, condition: standing}) => record.observation === null || standing.cause === 'stale')
    .map(({host}) => host)
  if (unknown.length > 0) {
    return decide(
      {...none, kind: 'starting', rule: 'V0', why: `waiting for a fresh answer from ${enumerate(unknown)}`},
      [],
      given.held,
    )
  }

  const [primary] = primaries
  if (primaries.length > 1 && memory.rivals.length === 0) {
    const why = `${enumerate(primaries.map(({host}) => host))} answered as primary, not all of them since the last one became it: they are asked again`
    return decide({...none, kind: 'unconfirmed', rule: 'V3', why})
  }
  if (memory.rivals.length > 0) {
    const rivals = memory.rivals
      .map((host) => memberOf(view, host))
      .filter((member): member is Member => member !== null)
    const {suspect, leading, why} = findSuspect(rivals, view, given.followersMaxAgeMs)
    const evidence = rivals.flatMap((rival) => collect(rival, view, given.sources, askedOf(given), settings.confirm))
    // The leading one is followed by more hosts than any other rival: by one at least.
    const isEvident = leading !== null && namesOnly(leading, rivals, evidence, settings.confirm)
    // What would keep a sole primary from being routed to keeps this one too.
    const isFit =
      leading?.record.drained === null && newerThan(leading, view, memory) === null && view.identity.kind !== 'tied'
    const routedTo = settings.onSplitBrain === 'follow-evidence' && isEvident && isFit ? leading.host : null
    const how =
      routedTo === null
        ? ''
        : `; routed to ${routedTo} because on_split_brain is follow-evidence and every required confirmation names it`
    return decide({...none, kind: 'split-brain', rule: 'V1', routedTo, suspect, why: why + how}, evidence)
  }
  if (primary === undefined) return decide({...none, kind: 'no-primary', rule: 'V5', why: whyNone(view, blind)})

  const ahead = newerThan(primary, view, memory)
  if (ahead !== null) {
    const why = `${primary.host} is the only primary in sight, but on timeline ${primary.timeline ?? 'unknown'}, and ${ahead}: an old primary may have come back; if it is the right one, say so by "pgroute66 accept ${primary.host}"`
    return decide(
      {...none, kind: 'unconfirmed', rule: 'V2', primary: primary.host, why},
      collect(primary, view, given.sources, askedOf(given), settings.confirm),
    )
  }

  const evidence = [
    ...doubtOfIdentity(primary, view),
    ...collect(primary, view, given.sources, askedOf(given), settings.confirm),
  ]
  const {missing, held} = checkConfirmations(evidence, primary, view, settings.onSilent, given.held)
  if (missing.length > 0) {
    const reasons = missing.map((item) =>
      item.source === identitySource
        ? item.why
        : `${item.source} ${item.answer === 'denies' ? 'denies it' : 'is silent'} (${item.why})`,
    )
    const why = `${primary.host} is the only primary, but ${reasons.join('; ')}`
    return decide({...none, kind: 'unconfirmed', rule: 'V3', primary: primary.host, why}, evidence, held)
  }

  const {drained} = primary.record
  const accepted =
    memory.accepted?.host === primary.host && memory.accepted.timeline === primary.timeline ? memory.accepted : null
  const decision: Decision = {
    kind: 'primary',
    rule: 'V4',
    primary: primary.host,
    routedTo: drained === null ? primary.host : null,
    why:
      drained === null
        ? whyPrimary(primary, view, evidence)
        : `${primary.host} is the only primary, and drained by ${drained.by}: nothing is routed to it`,
  }
  return decide(decision, evidence, held, {...memory, accepted})
}

/** The sources to ask: the required ones, and those that are shown anyway. */
const askedOf = ({settings, shown}: Case): readonly string[] => [
  ...settings.confirm,
  ...shown.filter((source) => !settings.confirm.includes(source)),
]

/**
 * Every required confirmation is for `leading`, and none is for a rival: `majority` alone names
 * nobody, so it never decides between two.
 */
function namesOnly(
  leading: Member,
  rivals: readonly Member[],
  evidence: readonly Evidence[],
  required: readonly string[],
): boolean {
  const confirmed = (host: string) =>
    evidence.filter((item) => item.required && item.subject === host && item.answer === 'confirms').length
  const others = rivals.filter((rival) => rival !== leading)
  return (
    required.length > 0 &&
    confirmed(leading.host) === required.length &&
    others.every(({host}) => confirmed(host) < required.length)
  )
}

/** V2: what is newer than this primary, in words; `null` when nothing is. */
function newerThan(primary: Member, view: GroupView, memory: GroupMemory): string | null {
  // Unknown is not "the newest": such a primary is believed only where nobody ever told of a
  // timeline.
  const timeline = primary.timeline ?? 0
  const accepted =
    memory.accepted?.host === primary.host && memory.accepted.timeline === timeline ? memory.accepted.overrules : 0
  const isNewer = (other: number | null): other is number => other !== null && other > timeline && other > accepted
  const newer = view.members.filter((member) => isNewer(member.timeline))
  if (newer.length > 0) return newer.map(({host, timeline}) => `${host} is on ${timeline}`).join(', ')
  const cluster = factsOf(primary.record)?.session.systemIdentifier ?? ''
  const seen = Math.max(memory.highestTimeline ?? 0, memory.unproven?.[cluster] ?? 0)
  return isNewer(seen) ? `timeline ${seen} was seen before` : null
}

/**
 * Hosts of different clusters and no majority among them: nobody is routed until an operator says
 * which one is ours (DESIGN 4.1).
 */
function doubtOfIdentity(primary: Member, {identity}: GroupView): readonly Evidence[] {
  if (identity.kind !== 'tied') return []
  const sides = Object.entries(identity.found).map(([identifier, hosts]) => `${areIs(hosts)} of cluster ${identifier}`)
  const why = `${sides.join(', ')}, and neither has a majority: set system_identifier, or say which by "pgroute66 accept HOST"`
  return [
    {
      source: identitySource,
      subject: primary.host,
      answer: 'denies',
      contradictsSql: false,
      required: true,
      why,
      askedAt: primary.askedAt,
    },
  ]
}

function whyPrimary(primary: Member, view: GroupView, evidence: readonly Evidence[]): string {
  const standbys = view.members.filter(({condition: standing}) => standing.role === 'standby')
  const direct = standbys.filter(({upstream}) => upstream.kind === 'host' && upstream.host === primary.host)
  const company =
    view.members.length === 1
      ? 'it is the only host'
      : `${direct.length} of ${view.members.length - 1} other hosts stream from it`
  const confirmed = evidence.filter((item) => item.required && item.answer === 'confirms').map(({source}) => source)
  return `${primary.host} is the only primary; ${company}${confirmed.length > 0 ? `; confirmed by ${enumerate(confirmed)}` : ''}`
}

function whyNone(view: GroupView, blind: readonly string[]): string {
  const each = view.members.map(({host, condition: standing}) =>
    standing.role === 'standby' ? `${host} is a standby` : `${host} is unavailable (${standing.cause})`,
  )
  const ours =
    blind.length > 0
      ? `; ${enumerate(blind)} cannot be judged for a reason of ours: there may be a primary that we do not see`
      : ''
  return `no host is primary: ${each.join(', ')}${ours}`
}
