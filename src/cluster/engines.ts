import type {Clock, Log, MemoryStore, Orders, SnapshotSource} from '../core/ports.ts'
import {isAlike} from '../core/verdict/alike.ts'
import {type Memory, nothingRemembered} from '../core/verdict/group-memory.ts'
import {recalled} from './recall.ts'
import type {StampedRecord} from './record.ts'

/** The monitor of one group. */
export interface Engine extends SnapshotSource, Orders {
  readonly memory: Memory
  /** Takes the place of what it remembers, at once. */
  recall(memory: Memory): void
}

/** Begins to probe the hosts of a group. `store` gives what is remembered, and is told what is to be kept. */
export type StartEngine = (group: string, store: MemoryStore) => Promise<Engine>

type Running = {
  /** `null` while it starts. */
  engine: Engine | null
  isOwned: boolean
  /** Of our ownership, the last one where it has ended; 0: there was none. */
  epoch: number
  /** What it was given to remember. */
  record: StampedRecord | undefined
  /** What the registry has, and since when (monotonic). */
  published: Memory | null
  publishedAt: number
  /** An order is being kept: whatever it changed, it is published. */
  isOrdered: boolean
  /** What came of the latest attempt to publish. */
  isKept: boolean
  /** An attempt to publish failed: the registry may have what it was given, and may not. */
  isDoubtful: boolean
  unsubscribe: () => void
}

/**
 * Positions move with every answer, and each put would be a kilobyte of the registry's for as long as it
 * keeps its history: alone they are published no more often than this. A standby has them at first hand.
 */
const positionsMs = 30 * 60_000

export type EnginesDeps = Readonly<{
  start: StartEngine
  clock: Clock
  log: Log
  /** Keeps the memory of a group that we own. Rejects where that cannot be done. */
  publish: (group: string, memory: Memory) => Promise<void>
  /** The engine of a group that we own has something new, or who owns the group has changed. */
  changed: (group: string) => void
  /** An engine completed its first round. */
  ready: () => void
}>

/** The monitors that run in this instance: of the groups that it owns, and of those that it may own next. */
export class Engines implements AsyncDisposable {
  readonly #deps: EnginesDeps
  readonly #running = new Map<string, Running>()
  readonly #ending = new Set<Promise<void>>()

  constructor(deps: EnginesDeps) {
    this.#deps = deps
  }

  get groups(): readonly string[] {
    return [...this.#running.keys()]
  }

  engine(group: string): Engine | null {
    return this.#running.get(group)?.engine ?? null
  }

  isOwned(group: string): boolean {
    return this.#running.get(group)?.isOwned ?? false
  }

  /** Of the last time that we owned the group in this run; 0: never. */
  epoch(group: string): number {
    return this.#running.get(group)?.epoch ?? 0
  }

  isReady(group: string): boolean {
    return this.engine(group)?.current().ready ?? false
  }

  /** Begins to probe, with what the registry remembers. Does nothing where it runs. */
  start(group: string, record: StampedRecord | undefined): void {
    if (this.#running.has(group)) return
    const published = memoryIn(record)
    const running: Running = {
      engine: null,
      isOwned: false,
      epoch: 0,
      record,
      published,
      publishedAt: this.#deps.clock.now(),
      isOrdered: false,
      isKept: true,
      isDoubtful: false,
      unsubscribe: () => {},
    }
    this.#running.set(group, running)
    void this.#start(group, running)
  }

  async #start(group: string, running: Running): Promise<void> {
    const {start, log, changed, ready} = this.#deps
    const {record, published} = running
    const store: MemoryStore = {
      load: async () => published ?? nothingRemembered,
      save: (memory) => this.#save(group, running, memory),
    }
    try {
      const engine = await start(group, store)
      if (this.#running.get(group) !== running) return this.#end(engine)
      running.engine = engine
      if (running.record !== record) this.#recall(running)
      let isReady = false
      running.unsubscribe = engine.subscribe(({snapshot}) => {
        changed(group)
        if (snapshot.ready && !isReady) {
          isReady = true
          ready()
        }
      })
      changed(group)
    } catch (error) {
      if (this.#running.get(group) === running) this.#running.delete(group)
      log.error({group, error: String(error)}, `the monitor of group ${group} does not start`)
    }
  }

  /** A standby keeps nothing: it is not its word that counts. */
  async #save(group: string, running: Running, memory: Memory): Promise<void> {
    const now = this.#deps.clock.now()
    const {published, publishedAt, isOrdered, isDoubtful} = running
    if (!running.isOwned) return
    const isRecent = published !== null && now - publishedAt < positionsMs && isAlike(published, memory)
    if (isRecent && !isOrdered && !isDoubtful) return
    Object.assign(running, {isKept: false, isDoubtful: false})
    try {
      await this.#deps.publish(group, memory)
    } catch (error) {
      Object.assign(running, {isKept: false, isDoubtful: true})
      throw error
    }
    Object.assign(running, {published: memory, publishedAt: now, isKept: true})
  }

  /**
   * Carries out an order on a group that we own. `null`: it could not be kept, and so it is undone.
   */
  async order<T>(group: string, carry: (engine: Engine) => Promise<T>): Promise<T | null> {
    const running = this.#running.get(group)
    if (!running?.engine || !running.isOwned) return null
    running.isOrdered = true
    try {
      const done = await carry(running.engine)
      if (running.isKept && running.isOwned) return done
      if (running.published) running.engine.recall(running.published)
      return null
    } finally {
      running.isOrdered = false
    }
  }

  /**
   * We are the owner, in this epoch. What the owner before remembered takes the place of our own, unless
   * the record `isOurs`: then it holds what our engine remembers.
   */
  own(group: string, epoch: number, record: StampedRecord, isOurs = false): void {
    const running = this.#running.get(group)
    if (running === undefined) return
    if (running.isOwned && running.epoch === epoch) {
      this.#settle(group, running)
      return
    }
    const wasOwned = running.isOwned
    running.isOwned = true
    running.epoch = epoch
    if (isOurs) this.#note(running, record)
    else if (!wasOwned) this.#take(running, record)
    // What a standby has seen was kept nowhere until now.
    const memory = running.engine?.memory
    if (memory) void this.#save(group, running, memory).catch(() => {})
    this.#deps.changed(group)
  }

  /** What the registry may have of an attempt that failed, it has no longer: an undone order above all. */
  #settle(group: string, running: Running): void {
    if (running.isDoubtful && !running.isOrdered && running.engine)
      void this.#save(group, running, running.engine.memory).catch(() => {})
  }

  /**
   * Our engine remembers this record, and what it saw since: rivals that are out of sight by now, which a
   * standby saw after its owner had died, are in no record.
   */
  hasHeard(group: string, record: StampedRecord | undefined): boolean {
    const running = this.#running.get(group)
    return running !== undefined && running.engine !== null && running.record?.revision === record?.revision
  }

  /** Another instance is the owner. The engine goes on as a standby, until it is stopped. */
  yield(group: string): void {
    const running = this.#running.get(group)
    if (!running?.isOwned) return
    running.isOwned = false
    this.#deps.changed(group)
  }

  /** A standby remembers what the owner publishes: also what an operator decided there. */
  heard(group: string, record: StampedRecord): void {
    const running = this.#running.get(group)
    if (running && !running.isOwned && record.revision !== running.record?.revision) this.#take(running, record)
  }

  #take(running: Running, record: StampedRecord): void {
    this.#note(running, record)
    if (running.engine) this.#recall(running)
  }

  #note(running: Running, record: StampedRecord): void {
    running.record = record
    running.published = memoryIn(record) ?? running.published
    running.publishedAt = this.#deps.clock.now()
    running.isDoubtful = false
  }

  #recall({engine, record}: Running): void {
    const memory = memoryIn(record)
    if (engine && memory) engine.recall(recalled(memory, engine.memory))
  }

  stop(group: string): void {
    const running = this.#running.get(group)
    if (running === undefined) return
    this.#running.delete(group)
    running.unsubscribe()
    const wasOwned = running.isOwned
    running.isOwned = false
    if (running.engine) void this.#end(running.engine)
    if (wasOwned) this.#deps.changed(group)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const group of this.groups) this.stop(group)
    await Promise.all(this.#ending)
  }

  #end(engine: Engine): Promise<void> {
    const ended = Promise.resolve(engine[Symbol.asyncDispose]()).finally(() => this.#ending.delete(ended))
    this.#ending.add(ended)
    return ended
  }
}

const memoryIn = (record: StampedRecord | undefined): Memory | null =>
  record === undefined || record.value === 'unreadable' ? null : record.value.memory
