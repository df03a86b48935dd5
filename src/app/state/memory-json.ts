import type {Drain, Maintenance} from '../../core/snapshot.ts'
import type {GroupMemory, Memory} from '../../core/verdict/group-memory.ts'

/** Version of the format. A new key keeps the version; a key whose meaning changes needs a new version. */
const schema = 1

export const memoryText = ({groups, drains, maintenance}: Memory): string =>
  `${JSON.stringify({schema, groups, drains, maintenance}, null, 2)}\n`

/**
 * Throws on any text that `memoryText` did not write: an operator can act on an error, but nothing
 * shows that half of a memory is lost.
 */
export function readMemory(text: string): Memory {
  const document = fieldsOf(JSON.parse(text))
  if (document.schema !== schema) throw new Error(`schema ${document.schema}`)
  return {
    groups: mapped(document.groups, readGroup),
    drains: mapped(document.drains, readDrain),
    maintenance: readMaintenance(document.maintenance ?? null),
  }
}

function readGroup(value: unknown): GroupMemory {
  const {hosts, systemIdentifier, highestTimeline, unproven, rivals, accepted} = fieldsOf(value)
  if (!Array.isArray(rivals)) throw new Error('rivals')
  if (hosts !== undefined && !Array.isArray(hosts)) throw new Error('hosts')
  return {
    ...(hosts !== undefined && {hosts: hosts.map(text)}),
    systemIdentifier: systemIdentifier === null ? null : text(systemIdentifier),
    highestTimeline: highestTimeline === null ? null : whole(highestTimeline),
    ...(unproven !== undefined && {unproven: mapped(unproven, whole)}),
    rivals: rivals.map(text),
    accepted: accepted === null ? null : readAccepted(fieldsOf(accepted)),
  }
}

const readAccepted = ({host, timeline, overrules}: Readonly<Record<string, unknown>>): GroupMemory['accepted'] => ({
  host: text(host),
  timeline: whole(timeline),
  overrules: whole(overrules),
})

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

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error('not a text')
  return value
}

function whole(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Error('not a whole number')
  return value as number
}
