import type {Claimant, GroupRecord, Instance} from '../../cluster/record.ts'
import type {Maintenance} from '../../core/snapshot.ts'
import {memoryDocument, memoryIn} from '../../protocol/memory-json.ts'

/** Of the keys in etcd. A new field keeps the version; a field whose meaning changes needs a new one. */
const schema = 1

export const instanceText = (instance: Instance): string =>
  JSON.stringify({
    schema,
    id: instance.id,
    session: instance.session,
    url: instance.url,
    version: instance.version,
    config_hash: instance.configHash,
    leaving: instance.isLeaving,
    routers: instance.routers,
  })

/** `null`: another program wrote it, or a later version. */
export const readInstance = (value: string): Instance | null =>
  readOrNull(value, (fields) => ({
    ...claimantIn(fields),
    url: text(fields.url),
    version: text(fields.version),
    configHash: text(fields.config_hash),
    isLeaving: fields.leaving === true,
    routers: Array.isArray(fields.routers) ? fields.routers.map(text) : [],
  }))

export const recordText = ({owner, epoch, next, configHash, memory}: GroupRecord): string =>
  JSON.stringify({schema, owner, epoch, next, config_hash: configHash, memory: memoryDocument(memory)})

export const readRecord = (value: string): GroupRecord | null =>
  readOrNull(value, (fields) => ({
    owner: claimantIn(object(fields.owner)),
    epoch: whole(fields.epoch),
    next: fields.next === null ? null : claimantIn(object(fields.next)),
    configHash: text(fields.config_hash),
    memory: memoryIn(fields.memory),
  }))

export const maintenanceText = (maintenance: Maintenance): string => JSON.stringify({schema, ...maintenance})

export const readMaintenance = (value: string): Maintenance | null =>
  readOrNull(value, ({since, by, reason, until}) => ({
    since: whole(since),
    by: text(by),
    reason: reason === null ? null : text(reason),
    until: until === null ? null : whole(until),
  }))

type Fields = Readonly<Record<string, unknown>>

function readOrNull<T>(value: string, read: (fields: Fields) => T): T | null {
  try {
    const fields = object(JSON.parse(value))
    return fields.schema === schema ? read(fields) : null
  } catch {
    return null
  }
}

const claimantIn = ({id, session}: Fields): Claimant => ({id: text(id), session: text(session)})

function object(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new SyntaxError('not a mapping')
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw new SyntaxError('not a text')
}

function whole(value: unknown): number {
  if (Number.isSafeInteger(value)) return value as number
  throw new SyntaxError('not a whole number')
}
