import {nextBackoff} from '../core/backoff.ts'
import type {Clock, Log, Random, SnapshotSource} from '../core/ports.ts'
import type {Snapshot} from '../core/snapshot.ts'
import {sleep} from '../core/wait.ts'
import {type Part, partIn} from './part.ts'
import type {Instance} from './record.ts'

/**
 * What another instance tells of the groups that it owns. Resolves with the first snapshot, and rejects
 * where none comes. A source that falls silent shows its hosts as stale.
 */
export type OpenStream = (instance: Instance) => Promise<SnapshotSource>

export type StreamsDeps = Readonly<{
  open: OpenStream
  clock: Clock
  random: Random
  log: Log
  changed: (groups: readonly string[]) => void
}>

type Stream = {
  readonly instance: Instance
  readonly stop: AbortController
  source: SnapshotSource | null
  isListed: boolean
  ended: Promise<void>
}

const reopens = {firstMs: 100, capMs: 2_000, jitter: 0.5} as const

/** Follows the other instances of the set, each on a stream of its own. */
export class Streams implements AsyncDisposable {
  readonly #deps: StreamsDeps
  readonly #streams = new Map<string, Stream>()
  readonly #parts = new Map<string, Readonly<{snapshot: Snapshot; part: Part}>>()

  constructor(deps: StreamsDeps) {
    this.#deps = deps
  }

  /**
   * The other instances that the registry lists. One that it lists no longer is heard for as long as it
   * speaks: it may have lost the registry alone.
   */
  follow(others: readonly Instance[]): void {
    for (const stream of this.#streams.values()) stream.isListed = false
    for (const instance of others) {
      const key = keyOf(instance)
      const stream = this.#streams.get(key) ?? this.#open(key, instance)
      stream.isListed = true
    }
    for (const [key, stream] of this.#streams) if (!stream.isListed && !isFresh(stream)) this.#drop(key, stream)
  }

  /** What may have gone stale says so now. */
  refresh(): void {
    for (const {source} of this.#streams.values()) source?.current()
  }

  /** By the owner with the highest epoch, which is at least `leastEpoch`; `null`: no stream has the group. */
  partOf(group: string, leastEpoch: number): Part | null {
    let best: Part | null = null
    for (const [key, {source}] of this.#streams) {
      const part = source && this.#partIn(source.current(), group, key)
      if (part && (part.group.owner?.epoch ?? 0) >= leastEpoch && (best === null || tellsMore(part, best))) best = part
    }
    return best
  }

  /** The highest epoch that a living stream tells; 0: none does. */
  epochOf(group: string): number {
    const part = this.partOf(group, 1)
    return part === null || isStale(part) ? 0 : (part.group.owner?.epoch ?? 0)
  }

  /** By id: of which instances there is a stream that speaks. */
  get heard(): readonly string[] {
    return [...this.#streams.values()].filter(isFresh).map(({instance}) => instance.id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = [...this.#streams].map(([key, stream]) => {
      this.#drop(key, stream)
      return stream.ended
    })
    await Promise.all(ended)
  }

  #partIn(snapshot: Snapshot, group: string, stream: string): Part | null {
    const key = `${stream}\n${group}`
    const known = this.#parts.get(key)
    if (known?.snapshot === snapshot) return known.part
    const part = partIn(snapshot, group)
    if (part === null) this.#parts.delete(key)
    else this.#parts.set(key, {snapshot, part})
    return part
  }

  #open(key: string, instance: Instance): Stream {
    const stream: Stream = {
      instance,
      stop: new AbortController(),
      source: null,
      isListed: true,
      ended: Promise.resolve(),
    }
    this.#streams.set(key, stream)
    stream.ended = this.#run(stream)
    return stream
  }

  async #run(stream: Stream): Promise<void> {
    const {open, clock, random, log} = this.#deps
    const {instance, stop} = stream
    let backoff = nextBackoff(reopens, null, random)
    let isTold = false
    while (!stop.signal.aborted) {
      try {
        const source = await open(instance)
        if (stop.signal.aborted) return void (await source[Symbol.asyncDispose]())
        if (isTold) log.info({instance: instance.id}, `instance ${instance.id} is followed again`)
        return this.#listen(stream, source)
      } catch (error) {
        if (!isTold && !stop.signal.aborted)
          log.warn({instance: instance.id, error: String(error)}, `instance ${instance.id} cannot be followed`)
        isTold = true
      }
      await sleep(clock, backoff.waitMs, stop.signal)
      backoff = nextBackoff(reopens, backoff, random)
    }
  }

  #listen(stream: Stream, source: SnapshotSource): void {
    let before: readonly string[] = []
    const tell = (snapshot: Snapshot) => {
      const groups = Object.keys(snapshot.groups)
      const all = new Set([...before, ...groups])
      before = groups
      this.#deps.changed([...all])
    }
    stream.source = source
    source.subscribe(({snapshot}) => tell(snapshot))
    tell(source.current())
  }

  #drop(key: string, stream: Stream): void {
    this.#streams.delete(key)
    for (const part of this.#parts.keys()) if (part.startsWith(`${key}\n`)) this.#parts.delete(part)
    stream.stop.abort()
    const {source} = stream
    if (source === null) return
    const groups = Object.keys(source.current().groups)
    stream.source = null
    stream.ended = stream.ended.then(() => source[Symbol.asyncDispose]())
    this.#deps.changed(groups)
  }
}

const keyOf = ({id, session, url}: Instance) => `${id} ${session} ${url}`

export const isStale = ({hosts}: Part) => hosts.every((host) => host.role === 'unavailable' && host.cause === 'stale')

/** A stream without groups says nothing that could be old. */
function isFresh({source}: Stream): boolean {
  if (source === null) return false
  const snapshot = source.current()
  const names = Object.keys(snapshot.groups)
  return names.some((name) => {
    const part = partIn(snapshot, name)
    return part !== null && !isStale(part)
  })
}

/** A later owner; of the same one the word that is not stale, and the owner's own before that of its standby. */
function tellsMore(one: Part, other: Part): boolean {
  const [here, there] = [one.group.owner, other.group.owner]
  const later = (here?.epoch ?? 0) - (there?.epoch ?? 0)
  if (later !== 0) return later > 0
  if (isStale(one) !== isStale(other)) return isStale(other)
  return there?.isStandingIn === true && here?.isStandingIn !== true
}
