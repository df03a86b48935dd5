import {lsnBytes} from '../core/facts/lsn.ts'
import type {Drain, Maintenance} from '../core/snapshot.ts'
import {
  type GroupMemory,
  type LeftBehind,
  type Memory,
  noTimelines,
  type Timelines,
  type Void,
  type Writer,
} from '../core/verdict/group-memory.ts'
import {noteTimeline} from '../core/verdict/timelines.ts'

/** Version of the format. A new key keeps the version; a key whose meaning changes needs a new version. */
export const schema = 2

export const memoryText = (memory: Memory): string => `${JSON.stringify(memoryDocument(memory), null, 2)}\n`

/** As JSON, which `memoryIn` reads. */
export const memoryDocument = ({groups, drains, maintenance}: Memory): object => ({
  schema,
  groups,
  drains,
  maintenance,
})

/** A later version wrote it, and knows more than this one can read. */
export class NewerSchemaError extends Error {
  override readonly name = 'NewerSchemaError'
}

/** Throws on any text that is not JSON with a version. */
export const schemaOf = (text: string): number => whole(fieldsOf(JSON.parse(text)).schema)

/**
 * Throws on any text that `memoryText` of this version or the one before did not write: an operator
 * can act on an error, but nothing shows that half of a memory is lost. NewerSchemaError: a later
 * version wrote it.
 */
export const readMemory = (text: string): Memory => memoryIn(JSON.parse(text))

/** As `readMemory`, of JSON that was parsed. */
export function memoryIn(json: unknown): Memory {
  const document = fieldsOf(json)
  const version = whole(document.schema)
  if (version > schema) throw new NewerSchemaError(`schema ${version}`)
  return {
    groups: mapped(document.groups, version === schema ? readGroup : readFirstGroup),
    drains: mapped(document.drains, readDrain),
    maintenance: readMaintenance(document.maintenance ?? null),
  }
}

function readGroup(value: unknown): GroupMemory {
  const {hosts, systemIdentifier, voidStandbys, rivals, unproven, ...timelines} = fieldsOf(value)
  return {
    ...(hosts !== undefined && {hosts: listed(hosts, text)}),
    systemIdentifier: orNull(systemIdentifier, text),
    ...readTimelines(timelines),
    voidStandbys: mapped(voidStandbys, position),
    rivals: listed(rivals, text),
    ...(unproven !== undefined && {unproven: mapped(unproven, readTimelines)}),
  }
}

function readTimelines(value: unknown): Timelines {
  const {wrote, voids} = fieldsOf(value)
  return {wrote: listed(wrote, readWriter), voids: listed(voids, readVoid)}
}

function readWriter(value: unknown): Writer {
  const {timeline, host, names, at, startedAt, lsn, by, lost, left, accepted} = fieldsOf(value)
  return {
    timeline: whole(timeline),
    host: orNull(host, text),
    ...(names !== undefined && {names: listed(names, text)}),
    at: orNull(at, text),
    startedAt: orNull(startedAt, whole),
    lsn: orNull(lsn, position),
    by: orNull(by, text),
    lost: orNull(lost, position),
    ...(left !== undefined && {left: listed(left, readLeftBehind)}),
    ...(accepted === true && {accepted}),
  }
}

function readLeftBehind(value: unknown): LeftBehind {
  const {host, timeline, lsn, from} = fieldsOf(value)
  return {host: text(host), timeline: whole(timeline), lsn: position(lsn), from: position(from)}
}

function readVoid(value: unknown): Void {
  const item = fieldsOf(value)
  return {timeline: whole(item.timeline), host: orNull(item.host, text), for: text(item.for)}
}

/**
 * A group of schema 1. It knew numbers and no writers: such a timeline speaks until the first
 * primary on it is its writer, and what an operator overruled is void.
 */
function readFirstGroup(value: unknown): GroupMemory {
  const {hosts, systemIdentifier, highestTimeline, unproven, rivals, accepted} = fieldsOf(value)
  const highest = orNull(highestTimeline, whole)
  const word = accepted === null ? null : fieldsOf(accepted)
  const isOverruled = highest !== null && word !== null && whole(word.overrules) >= highest
  return {
    ...(hosts !== undefined && {hosts: listed(hosts, text)}),
    systemIdentifier: orNull(systemIdentifier, text),
    ...unwritten(highest),
    voids: isOverruled ? [{timeline: highest, host: null, for: text(word.host)}] : [],
    voidStandbys: {},
    rivals: listed(rivals, text),
    ...(unproven !== undefined && {unproven: mapped(unproven, (timeline) => unwritten(whole(timeline)))}),
  }
}

const unwritten = (timeline: number | null): Timelines =>
  timeline === null ? noTimelines : noteTimeline(noTimelines, timeline)

function readDrain(value: unknown): Drain {
  const {since, by, reason} = fieldsOf(value)
  return {since: whole(since), by: text(by), reason: reason === null ? null : text(reason)}
}

/** Files of earlier versions have no such key. */
function readMaintenance(value: unknown): Maintenance | null {
  if (value === null) return null
  const {until} = fieldsOf(value)
  return {...readDrain(value), until: until === null ? null : whole(until)}
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not a mapping')
  return value as Record<string, unknown>
}

const mapped = <T>(value: unknown, read: (value: unknown) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(fieldsOf(value)).map(([name, item]) => [name, read(item)]))

function listed<T>(value: unknown, read: (value: unknown) => T): readonly T[] {
  if (!Array.isArray(value)) throw new Error('not a list')
  return value.map(read)
}

const orNull = <T>(value: unknown, read: (value: unknown) => T): T | null => (value === null ? null : read(value))

function position(value: unknown): string {
  const lsn = text(value)
  if (lsnBytes(lsn) === null) throw new Error('not a position')
  return lsn
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error('not a text')
  return value
}

function whole(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Error('not a whole number')
  return value as number
}
