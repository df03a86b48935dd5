import type {ServerResponse} from 'node:http'
import type {Clock, Log, SnapshotSource} from '../core/ports.ts'
import type {Publication, Snapshot} from '../core/snapshot.ts'
import {type Moment, toWire} from '../protocol/snapshot-json.ts'
import {changeFrame, EventHistory, idOf} from './event-history.ts'
import {EventReader} from './event-reader.ts'
import type {Metrics} from './metrics.ts'

const sampleMs = 1_000
const commentMs = 15_000
const mostReaders = 1_000
/**
 * At most one tenth of the time goes into sending changes. When many changes come at once, the
 * daemon sends fewer and larger events.
 */
const shareOfTime = 10

export type EventStreamDeps = Readonly<{
  source: SnapshotSource
  clock: Clock
  log: Log
  metrics: Pick<Metrics, 'dropped'>
}>

/**
 * Server-sent events (API.md): every reader gets a change as it happens, and a whole snapshot once
 * a second.
 */
export class EventStream implements Disposable {
  readonly #source: SnapshotSource
  readonly #clock: Clock
  readonly #log: Log
  readonly #metrics: Pick<Metrics, 'dropped'>
  readonly #history: EventHistory
  readonly #readers = new Set<EventReader>()
  readonly #unsubscribe: () => void
  #pending: Publication | null = null
  #cancelFlush: (() => void) | null = null
  #cancelTick: (() => void) | null = null
  #commentedAt = 0
  #restUntil = 0

  constructor({source, clock, log, metrics}: EventStreamDeps) {
    this.#source = source
    this.#clock = clock
    this.#log = log
    this.#metrics = metrics
    this.#history = new EventHistory(source.current())
    this.#unsubscribe = source.subscribe((publication) => this.#published(publication))
  }

  get isFull(): boolean {
    return this.#readers.size >= mostReaders
  }

  /** `lastId`: the last event that this reader has seen; `null`: a new reader. */
  open(response: ServerResponse, lastId: string | null, wantsSamples: boolean): void {
    const reader = new EventReader(response, wantsSamples, this.#metrics.dropped)
    const snapshot = this.#source.current()
    // `current` may have published a change. It goes to the other readers before this one joins.
    this.#flush()
    const missed = lastId === null ? null : this.#history.since(lastId, snapshot)
    // The reader joins after its first frame, so that no event is sent to it twice.
    if (missed === null) reader.write(`id: ${idOf(snapshot)}\nevent: snapshot\ndata: ${this.#textOf(snapshot)}\n\n`)
    for (const event of missed ?? []) if (!reader.write(changeFrame(event))) return
    if (missed !== null && wantsSamples) reader.write(this.#sampleFrame(snapshot))
    reader.sequence = snapshot.sequence
    this.#readers.add(reader)
    response.on('close', () => this.#readers.delete(reader))
    this.#cancelTick ??= this.#tickLater()
  }

  /** Ends all streams. */
  [Symbol.dispose](): void {
    this.#unsubscribe()
    this.#cancelFlush?.()
    this.#cancelTick?.()
    for (const reader of this.#readers) reader.end()
  }

  /** Called within the monitor, so it only queues. Samples are taken by `#tick`, once a second. */
  #published({changes, snapshot}: Publication): void {
    if (changes.length === 0) return
    this.#pending = {changes: [...(this.#pending?.changes ?? []), ...changes], snapshot}
    this.#cancelFlush ??= this.#clock.after(Math.max(0, this.#restUntil - this.#clock.now()), () => this.#flush())
  }

  #flush(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = null
    if (this.#pending === null) return
    const begun = this.#clock.now()
    const event = this.#history.add(this.#pending, this.#moment())
    this.#pending = null
    const readers = [...this.#readers].filter(({sequence}) => sequence < event.sequence)
    if (readers.length === 0) return
    const frame = changeFrame(event)
    for (const reader of readers) {
      reader.sequence = event.sequence
      this.#write(reader, frame)
    }
    const now = this.#clock.now()
    this.#restUntil = now + (now - begun) * shareOfTime
  }

  /**
   * Sends a sample even where nothing changed: by the sample a reader knows that the daemon lives
   * and that the reader's copy is not old.
   */
  #tick(): void {
    const readers = [...this.#readers]
    this.#cancelTick = readers.length === 0 ? null : this.#tickLater()
    const snapshot = this.#source.current()
    this.#flush()
    const interested = readers.filter((reader) => reader.wantsSamples && reader.isKeepingUp)
    if (interested.length > 0) {
      const frame = this.#sampleFrame(snapshot)
      for (const reader of interested) this.#write(reader, frame)
    }
    if (this.#clock.now() - this.#commentedAt < commentMs) return
    this.#commentedAt = this.#clock.now()
    for (const reader of readers) this.#write(reader, ': still here\n\n')
  }

  #tickLater(): () => void {
    return this.#clock.after(sampleMs, () => this.#tick())
  }

  #write(reader: EventReader, frame: string): void {
    if (reader.write(frame)) return
    this.#readers.delete(reader)
    this.#log.debug({}, 'a reader of /v1/events could not keep up, or left')
  }

  #sampleFrame(snapshot: Snapshot): string {
    return `event: sample\ndata: ${this.#textOf(snapshot)}\n\n`
  }

  #textOf(snapshot: Snapshot): string {
    return JSON.stringify(toWire(snapshot, this.#moment()))
  }

  #moment(): Moment {
    return {now: this.#clock.now(), wall: this.#clock.wall()}
  }
}
