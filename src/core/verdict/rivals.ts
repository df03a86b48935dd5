import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'

/**
 * V1 sticks: a rival that merely fell silent may still accept writes. It stops being one when it is
 * seen as a standby, proves to be of another cluster or a duplicate, leaves the configuration, or
 * stopped. The split brain ends when fewer than two are left. It starts only with two hosts that were
 * primary at overlapping times: the last answer of a primary that hung before its successor was
 * promoted may still be fresh, and proves nothing about now. `unseen`: a host out of sight that is
 * proven to live as a primary beside those in sight.
 */
export function rivalsOf(before: readonly string[], view: GroupView, unseen: string | null): readonly string[] {
  const primaries = view.members.filter(({session}) => session === 'primary')
  const kept = before.flatMap((host) => memberOf(view, host) ?? []).filter((rival) => isRival(rival, view, primaries))
  const isOpen = kept.length > 1 || kept.some(isUnseen)
  const met = isOpen
    ? primaries
    : primaries.filter((one) => primaries.some((other) => other !== one && wereOverlapping(one, other)))
  const heard = unseen === null ? [] : [unseen, ...primaries.map(({host}) => host)]
  const rivals = [...new Set([...[...met, ...kept].map(({host}) => host), ...heard])].sort()
  return rivals.length > 1 ? rivals : []
}

const isRival = (member: Member, view: GroupView, primaries: readonly Member[]): boolean =>
  member.session === 'primary' || (isUnseen(member) && !hasStopped(member, view, primaries))

/** A host that was not asked yet, after a restart or a reload, is as unseen as one that is silent. */
const isUnseen = ({session, condition}: Member): boolean =>
  session === null && condition.cause !== 'foreign-cluster' && condition.cause !== 'duplicate'

/** Each was asked, and answered as primary, after the other had been asked and had answered so. */
const wereOverlapping = (one: Member, other: Member): boolean => isAfter(one, other) && isAfter(other, one)
const isAfter = ({askedAt}: Member, {record: {primarySince}}: Member): boolean =>
  primarySince === null || (askedAt !== null && askedAt >= primarySince)

/**
 * A refusal is not a death: a firewall refuses in the name of a living server. The last word of the
 * server must be that it stops, and no standby may have heard from it since.
 */
export function hasStopped(rival: Member, view: GroupView, primaries: readonly Member[]): boolean {
  const {record, askedAt} = rival
  const isRefusing = record.observation?.kind === 'failure' && record.observation.cause === 'refused'
  if (!record.isStopping || !isRefusing || askedAt === null) return false
  const led = primaries.filter((primary) => primary !== rival).map(({timeline}) => timeline)
  return view.members.every((member) => {
    const heardAt = lastHeard(member)
    if (heardAt === null || heardAt < askedAt) return true
    const {upstream} = member
    if (upstream.kind === 'host') return upstream.host !== rival.host
    const timeline = factsOf(member.record)?.facts.receiver?.receivedTimeline ?? null
    return upstream.kind !== 'elsewhere' || led.includes(timeline)
  })
}

/** Monotonic: when a standby last heard from its sender; `null`: it has none, or cannot tell. */
function lastHeard({condition, record, answeredAt}: Member): number | null {
  const ageMs = factsOf(record)?.facts.receiver?.lastMessageAgeMs ?? null
  return condition.role !== 'standby' || answeredAt === null || ageMs === null ? null : answeredAt - ageMs
}
