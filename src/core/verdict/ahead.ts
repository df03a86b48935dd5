import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import {isBeyond, lsnDifference} from '../facts/lsn.ts'
import {areIs, enumerate} from '../phrases.ts'
import type {GroupMemory, Timelines, Writer} from './group-memory.ts'
import type {Situation} from './situation.ts'
import {isVoid, merged, pairOf, unprovenOf, writerOf} from './timelines.ts'

/** What speaks against a sole primary (V2). `fact` and `next` are parts of a sentence. */
export type Ahead = Readonly<{situation: Situation; fact: string; next: string}>

/**
 * Is something ahead of this primary (DESIGN 4.2)? The first that holds, in the order (e), (a), (b),
 * (c) and (d). `null`: nothing is.
 */
export function aheadOf(primary: Member, view: GroupView, memory: GroupMemory): Ahead | null {
  const known = timelinesFor(primary, memory)
  const older = whenOlder(primary, view, known)
  const writer = writerOf(primary, view)
  if (writer === null) return older
  return whenOverruled(writer, known) ?? older ?? whenSecondWriter(writer, view, known) ?? whenLost(writer, known)
}

/** What is remembered of the cluster that the host belongs to. */
export const timelinesFor = ({record}: Member, memory: GroupMemory): Timelines =>
  merged(memory, unprovenOf(memory, factsOf(record)?.session.systemIdentifier ?? null))

/** (e) */
function whenOverruled({timeline, host}: Writer, {voids}: Timelines): Ahead | null {
  const ruling = voids.find((item) => item.timeline === timeline && item.host === host)
  if (ruling === undefined) return null
  return {
    situation: 'overruled-primary',
    fact: `an operator accepted ${ruling.for} instead of it, so its writes on timeline ${timeline} do not count`,
    next: `rebuild ${host} as a standby of ${ruling.for}`,
  }
}

/** (a). An unknown timeline is not the newest: it is believed only where no host ever told one. */
function whenOlder(primary: Member, view: GroupView, known: Timelines): Ahead | null {
  const timeline = primary.timeline ?? 0
  const newer = known.wrote.filter((pair) => pair.timeline > timeline && !isVoid(known, pair))
  const newest = newer.at(-1)
  if (newest === undefined) return null
  const on = view.members.filter((member) => member.timeline === newest.timeline)
  const holding = view.members.find((member) => member.diskTimeline === newest.timeline)
  const writer = newest.host === null ? '' : ` (${newest.host} wrote on it)`
  const before = `timeline ${newest.timeline} was seen before${writer}`
  const onDisk = holding === undefined ? before : `${holding.host} has WAL of timeline ${newest.timeline} on its disk`
  const isSeen = on.length > 0
  const seen = isSeen ? `${areIs(on.map(({host}) => host))} on ${newest.timeline}` : onDisk
  return {
    situation: 'old-primary-returned',
    fact: `it is on timeline ${primary.timeline ?? 'unknown'} and ${seen}; an old primary may have come back`,
    // In this order: two primaries would be a split brain.
    next: `stop ${primary.host}, then start ${isSeen || newest.host === null ? 'the newer primary' : newest.host}`,
  }
}

/** (b). A promotion always makes a new number: two writers of one number contradict each other. */
function whenSecondWriter(writer: Writer, view: GroupView, known: Timelines): Ahead | null {
  const lsn = known.wrote.length === 0 ? null : writer.lsn
  const others = pairOf(writer, known).others.filter((pair) => {
    if (pair.timeline !== writer.timeline || pair.host === null || isVoid(known, pair)) return false
    // A writer that the configuration no longer has cannot be seen as a follower again.
    return memberOf(view, pair.host) !== null || isBeyond(pair.lsn, lsn)
  })
  if (others.length === 0) return null
  const names = enumerate(others.map(({host, lsn}) => `${host}${lsn === null ? '' : ` (up to ${lsn})`}`))
  return {
    situation: 'second-writer-of-a-timeline',
    fact: `${names} wrote on timeline ${writer.timeline} too, so each holds commits that the other lacks`,
    next: `rebuild the host without the commits that count, as a standby of the other one`,
  }
}

/** (c) and (d), as they were found when the primary was asked: both stick. */
function whenLost(writer: Writer, known: Timelines): Ahead | null {
  const own = pairOf(writer, known).own
  if (own === undefined || own.lost === null) return null
  const bytes = lsnDifference(own.lsn, own.lost)
  const size = bytes === null || bytes <= 0 ? '' : `, ${bytes} bytes further`
  const shownBy = own.by === writer.host ? 'it had written' : `${own.by} holds WAL`
  return {
    situation: 'primary-lost-wal',
    fact: `it was at ${own.lost} on timeline ${writer.timeline}, and ${shownBy} up to ${own.lsn}${size}`,
    next:
      own.by === writer.host || own.by === null
        ? `find out what it lost before you go on`
        : `promote ${own.by} in its place, or find out what would be lost`,
  }
}
