import {type GroupView, memberOf} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import type {Lsn} from '../facts/observation.ts'
import {type GroupMemory, noTimelines, type Timelines, untold} from './group-memory.ts'
import {furthestOf} from './positions.ts'
import {merged, overruledFor, unprovenOf} from './timelines.ts'

/**
 * What is remembered once the operator accepts `host`, which answers as a primary of this view. The
 * word voids exactly what it overrules (DESIGN 4.2): other writers at or above the timeline of the
 * host, what the host itself is known to have had, the standbys where they are now, and the rivals.
 */
export function acceptedIn(before: GroupMemory, host: string, view: GroupView): GroupMemory {
  const record = memberOf(view, host)?.record
  const seen = record === undefined ? null : factsOf(record)
  if (seen === null) return before
  const {systemIdentifier} = seen.session
  // The timelines of another cluster say nothing of this one's.
  const isOther =
    view.identity.kind === 'tied' ||
    (systemIdentifier !== null && before.systemIdentifier !== null && before.systemIdentifier !== systemIdentifier)
  const own: Timelines = isOther ? noTimelines : {wrote: before.wrote, voids: before.voids}
  const ruled = overruledFor(merged(own, unprovenOf(before, systemIdentifier)), host, seen.facts.timeline ?? 0)
  const cluster = systemIdentifier ?? before.systemIdentifier
  const standbys = view.members.flatMap((member): [string, Lsn][] => {
    const lsn = member.session === 'standby' ? furthestOf(member) : null
    return lsn === null ? [] : [[member.host, lsn]]
  })
  return {
    ...(before.hosts && {hosts: before.hosts}),
    systemIdentifier: cluster,
    ...(cluster === null ? {...noTimelines, unproven: {[untold]: ruled}} : ruled),
    voidStandbys: Object.fromEntries(standbys),
    rivals: [],
  }
}
