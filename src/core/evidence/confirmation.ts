import type {GroupView, Member} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import type {OnSilent} from '../settings.ts'
import type {Evidence} from '../snapshot.ts'

/**
 * A confirmation that may stand for a while once its source falls silent: who was confirmed, when
 * that was asked, and in what company.
 */
export type HeldConfirmations = Readonly<Record<string, Readonly<{askedAt: number; mark: string}>>>

/**
 * Which required confirmations of `leader` are missing (DESIGN 4.3). A denial always is; what
 * silence means is `onSilent`. A hold is measured from the last *confirmed* question and ends with
 * anything that could mean a switch: another timeline, another session, another role or follower.
 */
export function checkConfirmations(
  evidence: readonly Evidence[],
  leader: Member,
  view: GroupView,
  onSilent: OnSilent,
  held: HeldConfirmations,
): Readonly<{missing: readonly Evidence[]; held: HeldConfirmations}> {
  const mark = markOf(leader, view)
  const kept: Record<string, HeldConfirmations[string]> = {}
  const missing = evidence.filter((item) => {
    if (!item.required || item.source === identitySource) return item.answer !== 'confirms' && item.required
    const before = held[item.source]
    if (item.answer === 'confirms') {
      kept[item.source] = {askedAt: item.askedAt ?? view.now, mark}
      return false
    }
    if (item.answer === 'denies' || onSilent === 'deny') return true
    if (onSilent === 'ignore') return false
    // What the hosts themselves say is asked all the time: there is no outage of a third party to
    // bridge.
    if (
      isOwn(item.source) ||
      before === undefined ||
      before.mark !== mark ||
      view.now - before.askedAt > onSilent.holdMs
    )
      return true
    kept[item.source] = before
    return false
  })
  return {missing, held: kept}
}

/** The name under which a doubt about the cluster's identity stands among the evidence. */
export const identitySource = 'identity'
const isOwn = (source: string) => source === 'majority' || source === 'followers'

function markOf(leader: Member, view: GroupView): string {
  const session = factsOf(leader.record)?.session
  const company = view.members.map(({host, condition: standing, upstream}) => [
    host,
    standing.role,
    upstream.kind === 'host' ? upstream.host : upstream.kind,
  ])
  return JSON.stringify([leader.host, leader.timeline, session?.backendPid, session?.backendStart, company])
}
