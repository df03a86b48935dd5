import type {GroupView, Member} from '../facts/group-view.ts'
import {factsOf} from '../facts/host-record.ts'
import {furthest} from '../facts/lsn.ts'
import {
  type GroupMemory,
  type LeftBehind,
  noTimelines,
  type Timelines,
  untold,
  type Void,
  type Writer,
} from './group-memory.ts'

/** The writer that a primary is, as of its last answer; `null`: its timeline is not known. */
export function writerOf({host, record, timeline}: Member, {members}: GroupView): Writer | null {
  const seen = factsOf(record)
  if (seen === null || timeline === null) return null
  const {connection} = record.settings
  const names = members.filter((member) => member.record.duplicateOf === host).map((member) => member.host)
  return {
    timeline,
    host,
    ...(names.length > 0 && {names}),
    at: `${connection.hostaddr ?? connection.host}:${connection.port}`,
    startedAt: seen.session.startedAt,
    lsn: seen.facts.flushLsn,
    by: seen.facts.flushLsn === null ? null : host,
    lost: null,
  }
}

/** One server under two names, or with a new address, or started anew. */
export const isSameWriter = (one: Writer, other: Writer): boolean =>
  one.host === other.host ||
  (one.names ?? []).some((name) => name === other.host) ||
  (other.names ?? []).some((name) => name === one.host) ||
  (one.at !== null && one.at === other.at) ||
  (one.startedAt !== null && one.startedAt === other.startedAt)

export const isVoid = ({voids}: Timelines, {timeline, host}: Pick<Writer, 'timeline' | 'host'>): boolean =>
  voids.some((item) => item.timeline === timeline && item.host === host)

/**
 * What is unproven of a cluster. A host that does not tell its cluster (`null`) may belong to each:
 * each speaks to it, and it speaks to each.
 */
export const unprovenOf = ({unproven = {}}: GroupMemory, cluster: string | null): Timelines =>
  Object.entries(unproven)
    .filter(([name]) => cluster === null || name === cluster || name === untold)
    .reduce<Timelines>((known, [, timelines]) => merged(known, timelines), noTimelines)

/** The pair of a primary, and the others; a pair without a writer becomes the first writer's. */
export function pairOf(
  writer: Writer,
  {wrote}: Timelines,
): Readonly<{own: Writer | undefined; others: readonly Writer[]}> {
  const isOwn = (pair: Writer) => pair.timeline === writer.timeline && pair.host !== null && isSameWriter(pair, writer)
  const own = wrote.find((pair) => isOwn(pair) && pair.host === writer.host) ?? wrote.find(isOwn)
  const others = wrote.filter(
    (pair) => !isOwn(pair) && !(pair.timeline === writer.timeline && pair.host === null && own === undefined),
  )
  return {own, others}
}

/**
 * Takes in the primary's position. What it is remembered to have had is never lowered; and not raised
 * once it was lost, because the reason of the verdict tells how far that went, and which host has it.
 */
export function noteWriter(timelines: Timelines, writer: Writer): Timelines {
  const {own, others} = pairOf(writer, timelines)
  const lsn = own?.lost ? own.lsn : furthest(own?.lsn ?? null, writer.lsn)
  const by = lsn === own?.lsn ? (own?.by ?? null) : writer.by
  const names = new Set([...(own?.names ?? []), ...(own?.host ? [own.host] : []), ...(writer.names ?? [])])
  names.delete(writer.host ?? '')
  const pair = {
    ...writer,
    ...(names.size > 0 && {names: [...names].sort()}),
    lsn,
    by,
    lost: own?.lost ?? null,
    ...(own?.accepted && {accepted: own.accepted}),
  }
  return {...timelines, wrote: sorted([...others, withLeft(pair, own?.left ?? [])])}
}

export const withLeft = ({left: _, ...pair}: Writer, left: readonly LeftBehind[]): Writer =>
  left.length > 0 ? {...pair, left} : pair

/** The writer is a standby now: what it had, lost or left behind is over. */
export const withoutPast = ({accepted: _, ...pair}: Writer): Writer =>
  withLeft({...pair, lsn: null, by: null, lost: null}, [])

/** A timeline that only standbys have shown so far. */
export function noteTimeline(timelines: Timelines, timeline: number): Timelines {
  const {wrote, voids} = timelines
  if (wrote.some((pair) => pair.timeline === timeline) || voids.some((item) => item.timeline === timeline))
    return timelines
  const unknown: Writer = {timeline, host: null, at: null, startedAt: null, lsn: null, by: null, lost: null}
  return {...timelines, wrote: sorted([...wrote, unknown])}
}

/** The highest timeline that no operator overruled; 0: none. */
export const highestOf = (timelines: Timelines): number =>
  Math.max(0, ...timelines.wrote.filter((pair) => !isVoid(timelines, pair)).map(({timeline}) => timeline))

/** What is far below the present timeline says nothing more than the present timeline does. */
export function pruned(timelines: Timelines): Timelines {
  const least = highestOf(timelines) - 1
  const {wrote, voids} = timelines
  const isKept = ({timeline}: Readonly<{timeline: number}>) => timeline >= least
  if (wrote.every(isKept) && voids.every(isKept)) return timelines
  return {wrote: wrote.filter(isKept), voids: voids.filter(isKept)}
}

/** What was lost tells more than how far the writer is since; else the further position does. */
const tellsMore = (one: Writer, other: Writer): boolean =>
  (one.lost === null) === (other.lost === null) ? furthest(one.lsn, other.lsn) !== other.lsn : one.lost !== null

/** Two memories of one cluster as one. */
export function merged(one: Timelines, other: Timelines): Timelines {
  const isIn = (pairs: readonly Writer[], {timeline, host}: Writer) =>
    pairs.some((pair) => pair.timeline === timeline && pair.host === host)
  const further = one.wrote.map((pair) => {
    const twin = other.wrote.find((candidate) => isIn([pair], candidate))
    if (twin === undefined) return pair
    const isTwins = tellsMore(twin, pair)
    const accepted = pair.accepted ?? twin.accepted
    const further = {
      ...pair,
      ...(isTwins && {lsn: twin.lsn, by: twin.by}),
      lost: pair.lost ?? twin.lost,
      ...(accepted && {accepted}),
    }
    return withLeft(further, pair.left ?? twin.left ?? [])
  })
  const wrote = sorted([...further, ...other.wrote.filter((pair) => !isIn(one.wrote, pair))])
  const added = other.voids.filter((item) => !isVoid(one, item))
  return {wrote, voids: [...one.voids, ...added]}
}

/**
 * The operator takes `host` on `timeline` for the primary. That voids every other writer at or above
 * it, and what the host itself is remembered to have had and lost.
 */
export function overruledFor(timelines: Timelines, host: string, timeline: number): Timelines {
  const isOther = (pair: Pick<Writer, 'timeline' | 'host'>) => pair.timeline >= timeline && pair.host !== host
  const others = timelines.wrote.filter(isOther)
  const voids: readonly Void[] = [
    ...timelines.voids.filter((item) => item.timeline < timeline),
    ...[...others, ...timelines.voids.filter(isOther)]
      .map((pair) => ({timeline: pair.timeline, host: pair.host, for: host}))
      .filter((item, index, all) => all.findIndex((other) => isVoid({wrote: [], voids: [other]}, item)) === index),
  ]
  const wrote = timelines.wrote.map((pair) =>
    pair.host === host && pair.timeline === timeline
      ? {...pair, lsn: null, by: null, lost: null, accepted: true as const}
      : pair,
  )
  return {wrote, voids}
}

const sorted = (pairs: readonly Writer[]): readonly Writer[] =>
  [...pairs].sort((a, b) => a.timeline - b.timeline || (a.host ?? '').localeCompare(b.host ?? ''))
