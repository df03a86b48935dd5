import type {GroupView, Member} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import {lsnDifference} from '../facts/lsn.ts'
import type {Notes} from './memory.ts'

/**
 * Does a standby in sight hold WAL of an earlier timeline that the primary did not have when it was
 * promoted? Then that is what the promotion lost, and a rewind of the standby destroys it. In words;
 * `null`: it is not proven. The primary's own position when it was first seen as one is at or past
 * the fork, so less may be told than was lost, and never more.
 */
export function lossyPromotion(primary: Member, {members}: GroupView, {first}: Notes): string | null {
  if (first === null || first.host !== primary.host || first.timeline !== primary.timeline) return null
  const held = members.flatMap(({host, condition, record, timeline}) => {
    const received = factsOf(record)?.facts.receiveLsn ?? null
    const bytes = lsnDifference(received, first.lsn)
    const isEarlier = timeline !== null && timeline < first.timeline
    return condition.role === 'standby' && isEarlier && bytes !== null && bytes > 0 ? [{host, bytes, timeline}] : []
  })
  const [most] = held.sort((a, b) => b.bytes - a.bytes)
  if (most === undefined) return null
  const missing = `${most.bytes} bytes of timeline ${most.timeline} that ${primary.host} lacked when it was promoted`
  return `${most.host} holds ${missing}; save them before ${most.host} is rewound or rebuilt`
}
