import {EtcdError} from './error.ts'

/** A key with its value, decoded. Revisions and leases are int64, which JSON brings as text. */
export type KeyValue = Readonly<{
  key: string
  value: string
  /** Of the put that made the key: it differs after the key was deleted and put again. */
  createRevision: bigint
  modRevision: bigint
  /** `null`: the key has no lease. */
  lease: string | null
}>
export type RangeAnswer = Readonly<{kvs: readonly KeyValue[]; revision: bigint}>
export type KeyEvent = Readonly<{type: 'put' | 'delete'; kv: KeyValue}>

/** Seconds. `leftSeconds` is below zero once the lease is gone. */
export type LeaseTime = Readonly<{grantedSeconds: number; leftSeconds: number}>

type Json = Readonly<Record<string, unknown>>
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})

/** int64 as text; absent is 0, as everywhere in protobuf's JSON. */
function int64(value: unknown, origin: string): bigint {
  const text = value === undefined ? '0' : String(value)
  if (/^-?\d{1,20}$/.test(text)) return BigInt(text)
  throw new EtcdError('malformed', origin, `etcd at ${origin} sends a number that is none`)
}

const decoded = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : '', 'base64').toString('utf8')
export const encoded = (text: string): string => Buffer.from(text).toString('base64')

function keyValueOf(json: unknown, origin: string): KeyValue {
  const {key, value, create_revision: created, mod_revision: revision, lease} = object(json)
  const id = int64(lease, origin)
  return {
    key: decoded(key),
    value: decoded(value),
    createRevision: int64(created, origin),
    modRevision: int64(revision, origin),
    lease: id === 0n ? null : String(id),
  }
}

export function rangeOf(json: unknown, origin: string): RangeAnswer {
  const {header, kvs} = object(json)
  if (header === undefined) throw new EtcdError('malformed', origin, `${origin} does not answer as etcd does`)
  const list = Array.isArray(kvs) ? kvs : []
  return {kvs: list.map((one) => keyValueOf(one, origin)), revision: int64(object(header).revision, origin)}
}

/** Did the comparisons hold, and at which revision is the store now? */
export type TxnAnswer = Readonly<{succeeded: boolean; revision: bigint}>

export function txnOf(json: unknown, origin: string): TxnAnswer {
  const {header, succeeded} = object(json)
  if (header === undefined) throw new EtcdError('malformed', origin, `${origin} does not answer as etcd does`)
  return {succeeded: succeeded === true, revision: int64(object(header).revision, origin)}
}

/** The lease of an answer to a grant. */
export function grantedOf(json: unknown, origin: string): string {
  const id = int64(object(json).ID, origin)
  if (id === 0n) throw new EtcdError('malformed', origin, `${origin} grants a lease without a number`)
  return String(id)
}

/** Seconds that a lease has from now; 0: there is no such lease. */
export const keptOf = (json: unknown, origin: string): number =>
  Number(int64(object(object(parsedLine(json, origin)).result).TTL, origin))

/** A keepalive is a stream to the gateway: one JSON a line, and one line is all that is sent. */
function parsedLine(text: unknown, origin: string): unknown {
  return parsed(String(text).split('\n')[0] ?? '', origin)
}

/** Of one member, in bytes. */
export type StoreSize = Readonly<{bytes: number; usedBytes: number; revision: bigint; alarms: readonly string[]}>

export function sizeOf(json: unknown, origin: string): StoreSize {
  const {header, dbSize, dbSizeInUse, errors} = object(json)
  return {
    bytes: Number(int64(dbSize, origin)),
    usedBytes: Number(int64(dbSizeInUse, origin)),
    revision: int64(object(header).revision, origin),
    alarms: Array.isArray(errors) ? errors.map(String) : [],
  }
}

export function leaseTimeOf(json: unknown, origin: string): LeaseTime {
  const {TTL, grantedTTL} = object(json)
  return {grantedSeconds: Number(int64(grantedTTL, origin)), leftSeconds: Number(int64(TTL, origin))}
}

/** One message of a watch. `type` of a put is absent, as the default of its enum. */
export type WatchMessage = Readonly<
  | {kind: 'events'; events: readonly KeyEvent[]}
  | {kind: 'compacted'}
  | {kind: 'canceled'; why: string}
  | {kind: 'error'; code: number; why: string}
>

export function watchMessageOf(line: string, origin: string): WatchMessage {
  const {result, error, code} = object(parsed(line, origin))
  if (error !== undefined) {
    // An object within the stream, a text where the stream did not begin.
    const {grpc_code: within, message} = object(error)
    const why = typeof error === 'string' ? error : String(message ?? 'error')
    return {kind: 'error', code: Number(within ?? code ?? 0), why}
  }
  const {events, canceled, compact_revision: compacted, cancel_reason: why} = object(result)
  if (compacted !== undefined && int64(compacted, origin) > 0n) return {kind: 'compacted'}
  if (canceled === true) return {kind: 'canceled', why: String(why ?? '')}
  const list = Array.isArray(events) ? events.map(object) : []
  return {
    kind: 'events',
    events: list.map(({type, kv}) => ({type: type === 'DELETE' ? 'delete' : 'put', kv: keyValueOf(kv, origin)})),
  }
}

export function parsed(text: string, origin: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new EtcdError('malformed', origin, `${origin} does not answer as etcd does: no JSON`, cause)
  }
}

/** The end of the keys that begin with `prefix`: its last byte plus one (etcd's clientv3.GetPrefixRangeEnd). */
export function prefixEnd(prefix: string): string {
  const bytes = Buffer.from(prefix)
  for (let index = bytes.length - 1; index >= 0; index--) {
    const byte = bytes[index] ?? 0
    if (byte < 0xff) {
      bytes[index] = byte + 1
      return bytes.subarray(0, index + 1).toString('base64')
    }
  }
  return Buffer.from([0]).toString('base64')
}
