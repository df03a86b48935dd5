import {OperatorError} from '../../core/errors.ts'
import type {Etcd3Writer} from '../../etcd/etcd3-writer.ts'

/** How much of its quota etcd has used, in bytes; `null`: it does not tell. */
export type Room = Readonly<{
  sizeBytes: number
  quotaBytes: number | null
  /** What the operator of etcd should change. */
  warnings: readonly string[]
  /** Why a set must not begin to write here; `null`: it may. */
  refusal: string | null
}>

/** A set writes little; an etcd without compaction keeps all of it for ever. */
const historyWorthKeeping = 100_000n
const share = 0.5

/** Rejects with EtcdError where no member answers. */
export async function readRoom(writer: Etcd3Writer, signal: AbortSignal): Promise<Room> {
  const [{bytes, revision, alarms}, metrics] = await Promise.all([
    writer.size(signal),
    writer.metrics(signal).catch(() => null),
  ])
  return roomOf({bytes, revision, alarms, metrics: metrics ?? ''})
}

export type Measured = Readonly<{bytes: number; revision: bigint; alarms: readonly string[]; metrics: string}>

/** `metrics`: Prometheus' text of the member; empty where clients may not read it. */
export function roomOf({bytes, revision, alarms, metrics}: Measured): Room {
  const quotaBytes = metricIn('etcd_server_quota_backend_bytes', metrics)
  const compacted = metricIn('etcd_debugging_mvcc_compact_revision', metrics)
  const warnings: string[] = []
  if (compacted !== null && revision - BigInt(Math.max(0, Math.trunc(compacted))) > historyWorthKeeping)
    warnings.push(
      `etcd keeps ${revision - BigInt(Math.max(0, Math.trunc(compacted)))} revisions: turn on auto-compaction ` +
        '(--auto-compaction-mode periodic --auto-compaction-retention 1h)',
    )
  const isFull = quotaBytes !== null && bytes > share * quotaBytes
  const refusal =
    alarms.length > 0
      ? `etcd raised an alarm: ${alarms.join('; ').slice(0, 300)}`
      : isFull
        ? `etcd has ${megabytes(bytes)} of its quota of ${megabytes(quotaBytes)}, and a set begins below half of it`
        : null
  return {sizeBytes: bytes, quotaBytes, warnings, refusal}
}

/** A full etcd takes no write at all: every Patroni cluster on it would go down. */
export function refuseFull({refusal}: Room): void {
  if (refusal === null) return
  const next = 'Compact and defragment etcd, raise its quota, or give the set an etcd of its own.'
  throw new OperatorError('ETCD_FULL', refusal, next)
}

const megabytes = (bytes: number) => `${Math.round(bytes / (1 << 20))} MiB`

function metricIn(name: string, metrics: string): number | null {
  const text = new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]
  const value = Number(text)
  return text === undefined || !Number.isFinite(value) ? null : value
}
