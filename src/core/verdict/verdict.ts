import {checkConfirmations, type HeldConfirmations, identitySource} from '../evidence/confirmation.ts'
import {contradictionText} from '../evidence/contradiction.ts'
import {doubtOfIdentity} from '../evidence/doubt-of-identity.ts'
import type {CollectedEvidence} from '../evidence/evidence.ts'
import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import {isBeyond} from '../facts/lsn.ts'
import {areIs, enumerate} from '../phrases.ts'
import type {Decision, Evidence, Verdict} from '../snapshot.ts'
import {isBlind} from '../vocabulary.ts'
import {aheadOf, timelinesFor} from './ahead.ts'
import {evidenceOf, evidenceUnled, type Findings, type GroupCase, none, type Outcome, ofEachRival} from './findings.ts'
import {whenFollowed} from './followed.ts'
import type {GroupMemory} from './group-memory.ts'
import {type Loss, lossyPromotion, unheardStandbys} from './lossy-promotion.ts'
import {type Notes, remember} from './memory.ts'
import {furthestOf} from './positions.ts'
import {findSuspect} from './suspect.ts'
import {afterVerdict} from './sustained.ts'
import {writerOf} from './timelines.ts'

export type GroupJudgement = Readonly<{
  /** Undated: the caller knows since when the verdict has been what it is. */
  verdict: Decision & Pick<Verdict, 'primaries' | 'blind' | 'situation'>
  evidence: readonly CollectedEvidence[]
  memory: GroupMemory
  notes: Notes
  held: HeldConfirmations
  /** Monotonic: until when the decision stands; absent: while the answers behind it are fresh. */
  until?: number
}>

/** The judge wants a second word of the primaries in sight before it says more. */
export const isAskingAgain = ({situation, primaries}: Pick<Verdict, 'situation' | 'primaries'>): boolean =>
  situation === 'asking-again' || (situation === 'starting' && primaries.length > 0)

/**
 * One ordered decision (DESIGN 4.2): the first rule that holds wins. Pure; `view.now` is data,
 * never a clock read.
 */
export function judge(given: GroupCase): GroupJudgement {
  const {view} = given
  const primaries = view.members.filter(({condition}) => condition.role === 'primary')
  const {memory, notes} = remember(given, view, given.followersMaxAgeMs)
  const blind = view.members.filter(({condition}) => isBlind(condition.cause)).map(({host}) => host)
  const findings: Findings = {...given, memory, notes, primaries, blind}
  const outcome =
    whenStarting(findings) ??
    whenAskingAgain(findings) ??
    whenSplit(findings) ??
    (primaries[0] === undefined
      ? (whenFollowed(findings) ?? withoutPrimary(findings))
      : withPrimary(primaries[0], findings))
  const {kind, routedTo} = outcome.decision
  const routed = afterVerdict(notes.routed, {
    primary: kind === 'primary' ? (primaries.find(({host}) => host === routedTo) ?? null) : null,
    isFollowed: outcome.situation === 'unreachable-but-followed',
    isStarting: kind === 'starting',
    now: view.now,
  })
  return {
    verdict: {
      ...outcome.decision,
      primaries: primaries.map(({host}) => host).sort(),
      blind,
      situation: outcome.situation,
    },
    evidence: outcome.evidence ?? [],
    memory,
    notes: {...notes, routed},
    held: outcome.held ?? {},
    ...(outcome.until !== undefined && {until: outcome.until}),
  }
}

/**
 * V0. After a gap everything is as unknown as at the start. If the first answer were taken for all
 * there is, an old primary that answers first would be routed to. A stale answer is renewed, or
 * replaced by a cause, within the timeout of one question.
 */
function whenStarting({view, held}: Findings): Outcome | null {
  const unknown = view.members
    .filter(({record, condition}) => record.observation === null || condition.cause === 'stale')
    .map(({host}) => host)
  if (unknown.length === 0) return null
  const why = `waiting for a fresh answer from ${enumerate(unknown)}`
  return {decision: {...none, kind: 'starting', rule: 'V0', why}, situation: 'starting', held}
}

/**
 * V3 before V1: several hosts answered as primary, but an old answer beside a newer one does not
 * prove that the two were primary at the same time.
 */
function whenAskingAgain({view, memory}: Findings): Outcome | null {
  const answered = view.members.filter(({session}) => session === 'primary')
  if (answered.length < 2 || memory.rivals.length > 0) return null
  const hosts = enumerate(answered.map(({host}) => host))
  const all = `${hosts} ${answered.length === 2 ? 'both' : 'all'}`
  const why = `${all} answered as primary, but not at overlapping times; asking again before calling it a split brain`
  return {decision: {...none, kind: 'unconfirmed', rule: 'V3', why}, situation: 'asking-again'}
}

/** V1. */
function whenSplit(findings: Findings): Outcome | null {
  const {view, settings, memory} = findings
  if (memory.rivals.length === 0) return null
  const rivals = memory.rivals.map((host) => memberOf(view, host)).filter((member): member is Member => member !== null)
  const {suspect, leading, why} = findSuspect(rivals, view, findings.followersMaxAgeMs)
  const evidence = ofEachRival(rivals, findings)
  // The leading one is followed by more hosts than any other rival: by one at least.
  const isEvident = leading !== null && namesOnly(leading, rivals, evidence, settings.confirm)
  // What would keep a sole primary from being routed to keeps this one too.
  const isFit =
    leading?.record.drained === null &&
    aheadOf(leading, view, memory) === null &&
    view.identity.kind !== 'tied' &&
    refusedLoss(leading, findings) === null
  const routedTo = settings.onSplitBrain === 'follow-evidence' && isEvident && isFit ? leading.host : null
  const how =
    routedTo === null
      ? ''
      : `; routed to ${routedTo} because on_split_brain is follow-evidence and every required confirmation names it`
  const situation = rivals.every(({session}) => session === 'primary') ? 'two-primaries' : 'two-primaries-one-unseen'
  return {decision: {...none, kind: 'split-brain', rule: 'V1', routedTo, suspect, why: why + how}, situation, evidence}
}

/** V5. */
function withoutPrimary(findings: Findings): Outcome {
  const {view, blind, settings} = findings
  const each = view.members.map(({host, condition}) =>
    condition.role === 'standby' ? `${host} is a standby` : `${host} is unavailable (${condition.cause})`,
  )
  const unseen =
    blind.length > 0
      ? `; credentials, TLS or DNS keep pgroute66 from judging ${enumerate(blind)}, so there may be an unseen primary`
      : ''
  const areForeign =
    settings.systemIdentifier === null && view.members.every(({condition}) => condition.cause === 'foreign-cluster')
  const upgraded = areForeign
    ? '; if the cluster was made anew (initdb, pg_upgrade), run "pgroute66 accept HOST" for its primary'
    : ''
  const evidence = evidenceUnled(findings)
  const why = `no host is primary: ${each.join(', ')}${unseen}${upgraded}${contradictionText(evidence)}`
  return {decision: {...none, kind: 'no-primary', rule: 'V5', why}, situation: 'no-primary', evidence}
}

/** V2, V3 and V4: the rules about a sole primary. */
function withPrimary(primary: Member, findings: Findings): Outcome {
  const {view, settings, memory} = findings
  const {host} = primary
  const ahead = aheadOf(primary, view, memory)
  if (ahead !== null) {
    const advice = `${ahead.next}; if ${host} is the right primary, run "pgroute66 accept ${host}"`
    const why = `${host} is the only primary in sight, but ${ahead.fact}; ${advice}`
    const decision: Decision = {kind: 'unconfirmed', rule: 'V2', primary: host, routedTo: null, why}
    return {decision, situation: ahead.situation, evidence: evidenceOf(primary, findings)}
  }
  const unasked = askedBefore(primary, findings) ?? heardBefore(primary, findings)
  if (unasked !== null) return unasked

  const evidence = [...doubtOfIdentity(primary, view), ...evidenceOf(primary, findings)]
  const {missing, held} = checkConfirmations({
    evidence,
    leader: primary,
    view,
    onSilent: settings.onSilent,
    held: findings.held,
  })
  if (missing.length > 0) {
    const reasons = missing.map(({source, answer, why}) =>
      source === identitySource ? why : `${source} ${answer === 'denies' ? 'denies it' : 'is silent'} (${why})`,
    )
    const why = `${host} is the only primary, but ${reasons.join('; ')}${contradictionText(evidence)}`
    const situation = missing.some(({source}) => source === identitySource) ? 'cluster-unknown' : 'not-confirmed'
    return {decision: {kind: 'unconfirmed', rule: 'V3', primary: host, routedTo: null, why}, situation, evidence, held}
  }

  const refused = refusedLoss(primary, findings)
  if (refused !== null) {
    const advice = `${refused.next}; if ${host} is the right primary all the same, run "pgroute66 accept ${host}"`
    const why = `${host} is the only primary, but ${refused.holds}, and on_lossy_promotion is refuse; ${advice}`
    const decision: Decision = {kind: 'unconfirmed', rule: 'V3', primary: host, routedTo: null, why}
    return {decision, situation: 'lossy-promotion', evidence, held}
  }
  const lossy = lossOf(primary, findings)
  const {drained} = primary.record
  const decision: Decision = {
    kind: 'primary',
    rule: 'V4',
    primary: host,
    routedTo: drained === null ? host : null,
    why:
      drained === null
        ? whyPrimary(primary, view, evidence) + (lossy === null ? '' : `; ${lossy.holds}; ${lossy.next}`)
        : `${host} is the only primary, but drained by ${drained.by}: routers do not get it`,
  }
  const situation = drained !== null ? 'primary-drained' : lossy !== null ? 'lossy-promotion' : 'healthy'
  return {decision, situation, evidence, held}
}

/**
 * Before a host is named that was not named before, it is asked once after the others have answered:
 * what they hold must not be newer than its own word.
 */
function askedBefore(primary: Member, {view, before, held}: Findings): Outcome | null {
  const {host, askedAt} = primary
  if (isNamed(primary, before)) return null
  const later = view.members.filter(
    (member) =>
      member !== primary &&
      member.session !== null &&
      ((member.record.answersSince ?? 0) > (askedAt ?? 0) || isFurtherThanFirst(member, primary)),
  )
  if (later.length === 0) return null
  const others = enumerate(later.map((member) => member.host))
  const why = `${host} is the only primary, and is asked once more, because ${others} answered later`
  if (before === null || before.rule === 'V0')
    return {decision: {...none, kind: 'starting', rule: 'V0', why}, situation: 'starting', held}
  return {
    decision: {kind: 'unconfirmed', rule: 'V3', primary: host, routedTo: null, why},
    situation: 'asking-again',
    held,
  }
}

/**
 * The standby answered after the first word of the primary was asked for, and is beyond it. That may
 * be what the primary has written since, or lost: its second word tells.
 */
function isFurtherThanFirst(standby: Member, {record, askedAt, timeline}: Member): boolean {
  const isFirst = askedAt !== null && record.primarySince === askedAt
  const isLater = (standby.answeredAt ?? 0) > (askedAt ?? 0)
  const isAlike = standby.session === 'standby' && standby.timeline === timeline
  return isFirst && isLater && isAlike && isBeyond(furthestOf(standby), factsOf(record)?.facts.lsn ?? null)
}

/**
 * Where a lossy promotion is refused, the standbys are heard before a new primary is named: the last
 * WAL of the old one may have reached them after their last answer. At the start they were asked anyway.
 */
function heardBefore(primary: Member, findings: Findings): Outcome | null {
  const {view, before, notes, settings, held} = findings
  const isNew = before !== null && before.rule !== 'V0' && !isNamed(primary, before)
  if (!isNew || settings.onLossyPromotion === 'tell' || lossOf(primary, findings) !== null) return null
  const unheard = unheardStandbys(primary, view, notes.firstSeen)
  if (unheard.length === 0) return null
  const {host} = primary
  const why = `${host} is the only primary; ${areIs(unheard)} asked first what the promotion left behind`
  const decision: Decision = {kind: 'unconfirmed', rule: 'V3', primary: host, routedTo: null, why}
  return {decision, situation: 'asking-again', held}
}

const isNamed = ({host}: Member, before: Decision | null) => before?.rule === 'V4' && before.primary === host

/** What is known to be lost with the promotion of `primary`. */
const lossOf = (primary: Member, {view, memory}: Findings) =>
  lossyPromotion(writerOf(primary, view), timelinesFor(primary, memory))

/** The same, where it keeps the group from routing: until an operator accepts `primary`. */
function refusedLoss(primary: Member, findings: Findings): Loss | null {
  const loss = lossOf(primary, findings)
  return loss?.isAccepted || findings.settings.onLossyPromotion === 'tell' ? null : loss
}

/**
 * Every required confirmation is for `leading`, and none is for a rival. `majority` alone names no
 * host, so it never decides between two.
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
    required.some((source) => source !== 'majority') &&
    confirmed(leading.host) === required.length &&
    others.every(({host}) => confirmed(host) < required.length)
  )
}

function whyPrimary(primary: Member, view: GroupView, evidence: readonly Evidence[]): string {
  const standbys = view.members.filter(({condition}) => condition.role === 'standby')
  const direct = standbys.filter(({upstream}) => upstream.kind === 'host' && upstream.host === primary.host)
  const company =
    view.members.length === 1
      ? 'it is the only host'
      : `${direct.length} of ${view.members.length - 1} other hosts stream from it`
  const confirmed = evidence.filter((item) => item.required && item.answer === 'confirms').map(({source}) => source)
  const confirmation = confirmed.length > 0 ? `; confirmed by ${enumerate(confirmed)}` : ''
  return `${primary.host} is the only primary; ${company}${confirmation}${contradictionText(evidence)}`
}
