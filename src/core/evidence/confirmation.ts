import type {GroupView, Member} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import type {OnSilent} from '../settings.ts'
import type {CollectedEvidence} from './evidence.ts'

/**
 * Confirmations that may stand for a while after their source falls silent, by source: when the
 * confirmed question was asked, the fingerprint of the group then, and for how long it may stand.
 */
export type HeldConfirmations = Readonly<
  Record<string, Readonly<{askedAt: number; fingerprint: string; holdMs: number}>>
>

export type ConfirmationQuestion = Readonly<{
  evidence: readonly CollectedEvidence[]
  leader: Member
  view: GroupView
  onSilent: OnSilent
  held: HeldConfirmations
}>

/**
 * The required confirmations of `leader` that are missing (DESIGN 4.3). A denial is always missing;
 * `onSilent` says what silence means. A hold is measured from the last *confirmed* question. It ends
 * with anything that could mean a switch: another timeline, session, role or follower.
 */
export function checkConfirmations({
  evidence,
  leader,
  view,
  onSilent,
  held,
}: ConfirmationQuestion): Readonly<{missing: readonly CollectedEvidence[]; held: HeldConfirmations}> {
  const fingerprint = fingerprintOf(leader, view)
  const kept: Record<string, HeldConfirmations[string]> = {}
  const holdMs = holdMsOf(onSilent, evidence)
  const missing = evidence.filter((item) => {
    if (!item.required || item.source === identitySource) return item.answer !== 'confirms' && item.required
    const before = held[item.source]
    if (item.answer === 'confirms') {
      kept[item.source] = {askedAt: item.askedAt ?? view.now, fingerprint, holdMs}
      return false
    }
    if (item.answer === 'denies' || onSilent === 'deny') return true
    if (onSilent === 'ignore') return false
    // The hosts themselves are asked all the time: no outage of a third party has to be bridged.
    if (
      isOwn(item.source) ||
      before === undefined ||
      before.fingerprint !== fingerprint ||
      view.now - before.askedAt > holdMs
    )
      return true
    kept[item.source] = {...before, holdMs}
    return false
  })
  return {missing, held: kept}
}

/**
 * As configured, and never longer than a source of the group allows: it knows when its tool promotes.
 * That holds for the other sources too, and where the source that knows it is not required.
 */
const holdMsOf = (onSilent: OnSilent, evidence: readonly CollectedEvidence[]): number =>
  typeof onSilent === 'string'
    ? 0
    : Math.min(onSilent.holdMs, ...evidence.flatMap(({holdAtMostMs}) => holdAtMostMs ?? []))

/** The source name of a doubt about the cluster's identity, among the evidence. */
export const identitySource = 'identity'
/** Sources that count the standbys which hear from the primary. */
export const needsMessages = (source: string): boolean => source === 'followers' || source === 'repmgr'

/** A source that reads nothing but the hosts' own answers. */
export const isOwn = (source: string): boolean => source === 'majority' || source === 'followers'

/** Everything that ends a hold by changing: leader, timeline, session, roles, who follows whom. */
function fingerprintOf(leader: Member, view: GroupView): string {
  const session = factsOf(leader.record)?.session
  const company = view.members.map(({host, condition, upstream}) => [
    host,
    condition.role,
    upstream.kind === 'host' ? upstream.host : upstream.kind,
  ])
  return JSON.stringify([leader.host, leader.timeline, session?.backendPid, session?.backendStart, company])
}
