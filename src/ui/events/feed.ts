import {keptChanges} from '../../core/changes.ts'
import type {Clock, SnapshotSource} from '../../core/ports.ts'
import type {Router} from '../../core/router.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import type {Frame, Received} from '../frame.ts'
import {Histories} from './histories.ts'

/** Milliseconds between two frames: a reader cannot follow more than ten a second. */
const leastMs = 100
/** Milliseconds between two questions for the routers. A change of a verdict or an actuator asks at once. */
const routersMs = 2_000

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
  readonly #histories = new Histories()
  #routers: readonly Router[] | null = null
  #isAskingRouters = false
  #cancelRouters = () => {}
  #isStopped = false
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
        if (changes.some(({kind}) => kind === 'verdict' || kind === 'actuator')) this.#askRouters()
      }),
    )
    this.#tick()
    this.#askRouters()
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
    this.#cancelTick()
    this.#cancelDraw?.()
    this.#isStopped = true
    this.#cancelRouters()
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
    this.#histories.record(snapshot)
    this.#show({
      snapshot,
      now,
      wall,
      changes: this.#changes,
      histories: this.#histories.all,
      routers: this.#routers,
      startedAt: this.#startedAt,
    })
  }

  /** One question at a time. A daemon that cannot say leaves what was known. */
  #askRouters(): void {
    this.#cancelRouters()
    if (this.#source.routers === undefined || this.#isAskingRouters || this.#isStopped) return
    this.#isAskingRouters = true
    const settle = (routers: readonly Router[] | null) => {
      this.#isAskingRouters = false
      if (this.#isStopped) return
      this.#cancelRouters = this.#clock.after(routersMs, () => this.#askRouters())
      if (routers === null) return
      const isNew = JSON.stringify(routers) !== JSON.stringify(this.#routers)
      this.#routers = routers
      if (isNew) this.#drawSoon()
    }
    this.#source.routers().then(settle, () => settle(null))
  }
}
