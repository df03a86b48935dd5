import type {Clock, Log, SnapshotSource} from '../../src/core/ports.ts'
import type {Change, Publication, Snapshot} from '../../src/core/snapshot.ts'
import {systemClock} from '../../src/system/clock.ts'
import {noon, type SnapshotDraft, snapshot} from './snapshots.ts'

/** A source whose snapshots are set by hand. */
export interface FakeSource extends SnapshotSource {
  /**
   * Replaces the snapshot under the next sequence number without telling subscribers: LSNs moved.
   */
  set(draft: SnapshotDraft): Snapshot
  /** The same, and tells the subscribers. */
  publish(draft: SnapshotDraft, ...changes: readonly Change[]): Snapshot
  /** How often `current` was called. */
  readonly asked: number
  readonly subscribers: number
}

export function fakeSource(draft: SnapshotDraft): FakeSource {
  let now = snapshot(draft)
  let asked = 0
  const listeners = new Set<(publication: Publication) => void>()
  const set = (next: SnapshotDraft) => {
    now = snapshot({epoch: now.epoch, sequence: now.sequence + 1, ...next})
    return now
  }
  return {
    get asked() {
      return asked
    },
    get subscribers() {
      return listeners.size
    },
    current() {
      asked += 1
      return now
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    set,
    publish(next, ...changes) {
      const published = set(next)
      for (const listener of listeners) listener({changes, snapshot: published})
      return published
    },
    async [Symbol.asyncDispose]() {},
  }
}

export const change = (host: string, from: string, to: string): Change => ({
  kind: 'role',
  group: null,
  host,
  from,
  to,
  rule: null,
  why: `answers as ${to}`,
})

/**
 * Real timers, and a moment that starts at noon and passes: what `snapshot` builds is fresh by it.
 */
export function realClock(): Clock {
  const begun = performance.now()
  const passed = () => performance.now() - begun
  return {
    now: () => noon.now + passed(),
    wall: () => noon.wall + passed(),
    after: (ms, run) => systemClock.after(ms, run),
  }
}

export type LogLine = Readonly<{level: string; message: string; fields: object}>
export function keptLog(): Log & {readonly lines: LogLine[]} {
  const lines: LogLine[] = []
  const take = (level: string) => (fields: object, message: string) => void lines.push({level, message, fields})
  return {lines, debug: take('debug'), info: take('info'), warn: take('warn'), error: take('error')}
}
