import {keptChanges} from '../../core/changes.ts'
import type {Clock, SnapshotSource} from '../../core/ports.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import type {Frame, Received} from '../frame.ts'

/** Milliseconds between two frames: a reader cannot follow more than ten a second. */
const leastMs = 100
const keptProbes = 40

export type FeedDeps = Readonly<{
  source: SnapshotSource
  clock: Clock
  /** Milliseconds between two looks at LSNs and lags. */
  everyMs: number
  /** Called with each new frame. */
  show: (frame: Frame) => void
  /** Changes from before this feed, newest first. */
  pastChanges?: readonly Received[]
}>

/**
 * Turns what a source publishes into frames. A change makes a frame at once, but no sooner than 100
 * ms after the last frame. LSNs and lags are read every `everyMs`. Ages alone make one frame a
 * second.
 */
export class Feed {
  readonly #source: SnapshotSource
  readonly #clock: Clock
  readonly #show: (frame: Frame) => void
  readonly #startedAt: number
  readonly #probes = new Map<string, readonly (number | null)[]>()
  readonly #askedAt = new Map<string, number | null>()
  #changes: readonly Received[] = []
  #everyMs: number
  #shown: {at: number; snapshot: Snapshot} | null = null
  #stops: (() => void)[] = []
  #cancelTick = () => {}
  #cancelDraw: (() => void) | null = null

  constructor({source, clock, everyMs, show, pastChanges = []}: FeedDeps) {
    this.#source = source
    this.#clock = clock
    this.#everyMs = everyMs
    this.#show = show
    this.#startedAt = clock.wall()
    this.#changes = pastChanges
  }

  start(): void {
    this.#stops.push(
      this.#source.subscribe(({changes}) => {
        const at = this.#clock.wall()
        if (changes.length === 0) return
        this.#changes = [...changes.map((change) => ({at, change})).reverse(), ...this.#changes].slice(0, keptChanges)
        this.#drawSoon()
      }),
    )
    this.#tick()
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
    this.#cancelTick()
    this.#cancelDraw?.()
  }

  set everyMs(ms: number) {
    if (ms === this.#everyMs) return
    this.#everyMs = ms
    this.#cancelTick()
    this.#cancelTick = this.#clock.after(ms, () => this.#tick())
  }

  #tick(): void {
    this.#cancelTick = this.#clock.after(this.#everyMs, () => this.#tick())
    const snapshot = this.#source.current()
    // A little less than a second: a timer that fires early by a fraction must not halve the rate at
    // which ages advance.
    const isOld = this.#shown === null || this.#clock.now() - this.#shown.at >= 950
    if (isOld || snapshot !== this.#shown?.snapshot) this.#drawSoon()
  }

  #drawSoon(): void {
    if (this.#cancelDraw !== null) return
    const waitMs = this.#shown === null ? 0 : Math.max(0, this.#shown.at + leastMs - this.#clock.now())
    // Never drawn within the publication: a listener must not delay the monitor.
    this.#cancelDraw = this.#clock.after(waitMs, () => this.#draw(this.#source.current()))
  }

  #draw(snapshot: Snapshot): void {
    this.#cancelDraw?.()
    this.#cancelDraw = null
    const [now, wall] = [this.#clock.now(), this.#clock.wall()]
    this.#shown = {at: now, snapshot}
    this.#recordProbes(snapshot)
    this.#show({snapshot, now, wall, changes: this.#changes, probes: new Map(this.#probes), startedAt: this.#startedAt})
  }

  #recordProbes({hosts}: Snapshot): void {
    for (const {host, askedAt, probeMs} of Object.values(hosts)) {
      if (askedAt === null || this.#askedAt.get(host) === askedAt) continue
      this.#askedAt.set(host, askedAt)
      this.#probes.set(host, [...(this.#probes.get(host) ?? []), probeMs].slice(-keptProbes))
    }
  }
}
