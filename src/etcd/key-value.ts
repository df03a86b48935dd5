import {EtcdError} from './error.ts'

/** A key with its value, decoded. Revisions and leases are int64, which JSON brings as text. */
export type KeyValue = Readonly<{
  key: string
  value: string
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
  const {key, value, mod_revision: revision, lease} = object(json)
  const id = int64(lease, origin)
  return {
    key: decoded(key),
    value: decoded(value),
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
