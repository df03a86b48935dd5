import {changesOfGroup, changesOfHost} from '../../src/core/changes.ts'
import type {SnapshotSource} from '../../src/core/ports.ts'
import type {Publication, Snapshot} from '../../src/core/snapshot.ts'
import type {Frame, Received} from '../../src/ui/frame.ts'
import {glyphsFor} from '../../src/ui/text/glyphs.ts'
import {noon, primary, snapshot, standby, unavailable} from '../support/snapshots.ts'

export const glyphs = glyphsFor({LANG: 'C.UTF-8'})

/** Three hosts, host1 leads. */
export const calm = (): Snapshot =>
  snapshot({
    hosts: {
      host1: primary(),
      host2: standby('host1', {syncState: 'sync'}),
      host3: standby('host1', {lagBytes: 16_777_216, lagMs: 4200}),
    },
  })

/** host2 was promoted while host1 lives on; host3 is gone. */
export const torn = (): Snapshot =>
  snapshot({
    hosts: {host1: primary(), host2: primary({timeline: 4}), host3: unavailable('refused')},
    verdict: {
      suspect: 'host1',
      why:
        'host1 (timeline 3) and host2 (timeline 4) are both primary; ' +
        'host1 looks stale: host2 is on the higher timeline',
    },
  })

export const headless = (): Snapshot =>
  snapshot({hosts: {host1: unavailable('auth'), host2: standby(), host3: standby()}})

export const frameOf = (shown: Snapshot, changes: readonly Received[] = []): Frame => ({
  snapshot: shown,
  now: noon.now,
  wall: noon.wall,
  changes,
  histories: new Map(),
  routers: null,
  startedAt: noon.wall - 1000,
})

/** A source that shows what it is told to. */
export class Stage implements SnapshotSource {
  #snapshot: Snapshot
  #listeners = new Set<(publication: Publication) => void>()

  constructor(first: Snapshot) {
    this.#snapshot = first
  }

  get listening(): number {
    return this.#listeners.size
  }

  current(): Snapshot {
    return this.#snapshot
  }

  subscribe(listener: (publication: Publication) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Numbers grew; nothing changed. */
  sample(next: Snapshot): void {
    this.#snapshot = {...next, sequence: this.#snapshot.sequence + 1}
  }

  publish(next: Snapshot): void {
    const before = this.#snapshot
    const hosts = Object.values(next.hosts).flatMap((after) => changesOfHost(before.hosts[after.host], after))
    const groups = Object.values(next.groups).flatMap((after) => changesOfGroup(before.groups[after.name], after))
    this.sample(next)
    for (const listener of this.#listeners) listener({changes: [...hosts, ...groups], snapshot: this.#snapshot})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear()
  }
}
