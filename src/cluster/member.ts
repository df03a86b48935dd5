import {deadline, nap, sleep} from '../core/wait.ts'
import {Adoption} from './adoption.ts'
import {Engines} from './engines.ts'
import {Fence} from './fence.ts'
import {handOver} from './hand-over.ts'
import {Lease} from './lease.ts'
import type {MemberDeps} from './member-deps.ts'
import {emptyImage, type Instance, type SetImage, type StampedRecord} from './record.ts'
import type {RegistryWrite} from './registry.ts'
import {takeTurn} from './turn.ts'
import {Writer} from './writer.ts'

/** Without news the set is looked at this often: a group that was missed is not missed for long. */
const turnMs = 1_000
const tickMs = 250
/** For one question to the registry: an operator waits for the answer to an order. */
const askMs = 1_500
const leaveMs = 5_000
const retryMs = 250

/**
 * One instance of a set: it keeps its lease, owns its share of the groups, and keeps their memory in the
 * registry. All that it decides, it decides from the registry's image (`dutyOf`).
 */
export class Member implements AsyncDisposable {
  readonly engines: Engines
  readonly fence: Fence
  readonly #deps: MemberDeps
  readonly #lease: Lease
  readonly #writer: Writer
  readonly #adoption = new Adoption()
  readonly #stop = new AbortController()
  #image: SetImage = emptyImage
  /** What we wrote, and the image does not have yet. */
  readonly #written = new Map<string, StampedRecord>()
  #isLeaving = false
  #lostWhy: string | null = null
  #wake: () => void = () => {}
  #isDue = true
  #cancelTick: () => void = () => {}
  #ended: Promise<unknown> = Promise.resolve()

  constructor(deps: MemberDeps) {
    const {clock, log, ttlMs, maxAgeMs, start, changed} = deps
    this.#deps = deps
    this.fence = new Fence(clock, {ttlMs, gapMs: maxAgeMs})
    this.#lease = new Lease({...deps, fence: this.fence, us: () => this.us, renewed: () => this.#hurry()})
    this.#writer = new Writer({
      commit: (writes) => this.#commit(writes),
      record: (group) => this.record(group),
      isOurs: (record) => this.#lease.isOurs(record.owner),
      us: () => this.us,
      reread: () => this.#reread(),
    })
    this.engines = new Engines({
      start,
      clock,
      log,
      publish: (group, memory) => this.#writer.publish(group, memory),
      changed,
      ready: () => this.#hurry(),
    })
  }

  /** Begins to take part. What the registry does not answer is tried again, until the end. */
  begin(): void {
    const {registry} = this.#deps
    const {signal} = this.#stop
    const listener = {
      seen: (image: SetImage) => this.#seen(image),
      lost: (why: string) => this.#lost(why),
    }
    this.#tick()
    this.#ended = Promise.all([registry.follow(listener, signal), this.#lease.keep(signal), this.#turns(signal)])
  }

  get us(): Instance {
    return {...this.#deps.us, session: this.#lease.session, isLeaving: this.#isLeaving}
  }

  get image(): SetImage {
    return this.#image
  }

  /** Why the registry is not followed now; `null`: it is. */
  get lostWhy(): string | null {
    return this.#lostWhy
  }

  record(group: string): StampedRecord | undefined {
    const [seen, written] = [this.#image.groups.get(group), this.#written.get(group)]
    return written !== undefined && written.revision > (seen?.revision ?? 0n) ? written : seen
  }

  /** May we answer for this group from what we see ourselves? */
  isAnswering(group: string): boolean {
    if (this.fence.tick()) this.#suspend()
    return !this.fence.isSuspended && this.engines.isOwned(group)
  }

  /**
   * May we tell what we see, although another instance owns the group, where that instance is not heard?
   * Only while we know what it published.
   */
  mayStandIn(group: string): boolean {
    const {engines, fence} = this
    if (engines.isOwned(group) || !engines.isReady(group)) return false
    return fence.isValid && this.#lostWhy === null && engines.hasHeard(group, this.record(group))
  }

  /** The highest epoch of an owner of this group that we know of. */
  epochOf(group: string): number {
    const record = this.record(group)?.value
    const told = record === undefined || record === 'unreadable' ? 0 : record.epoch
    return Math.max(told, this.engines.epoch(group))
  }

  /** The instance that owns the group by the registry; `null`: none that is alive. */
  ownerOf(group: string): Instance | null {
    const record = this.record(group)?.value
    if (record === undefined || record === 'unreadable') return null
    const instance = this.#image.instances.get(record.owner.id)
    return instance?.session === record.owner.session ? instance : null
  }

  /** The streams have news: an instance that is cut off from the registry learns of other owners by them. */
  heard(group: string): void {
    this.#yieldTo(group)
  }

  /** What concerns the whole set. Rejects where it could not be written. */
  async write(write: (image: SetImage) => RegistryWrite): Promise<void> {
    for (let left = 3; left > 0; left -= 1) {
      if (await this.#commit([write(this.#image)])) return this.#reread()
      await this.#reread()
    }
    throw new Error('another instance wrote at the same time, three times')
  }

  /** Gives the groups to the other instances, and takes the lease back. */
  async [Symbol.asyncDispose](): Promise<void> {
    const {clock} = this.#deps
    using limit = deadline(clock, leaveMs)
    this.#isLeaving = true
    await handOver({
      clock,
      engines: this.engines,
      writer: this.#writer,
      us: () => this.us,
      image: () => this.#image,
      isValid: () => this.fence.isValid,
      tell: () => this.#commit([{kind: 'instance', instance: this.us}]),
      signal: limit.signal,
    })
    this.#stop.abort()
    this.#cancelTick()
    this.#wake()
    await this.#ended
    // Groups that no instance took in time are free at once, and not at the end of the lease.
    using farewell = deadline(clock, askMs)
    await this.#lease.leave(farewell.signal)
    await this.engines[Symbol.asyncDispose]()
  }

  #seen(image: SetImage): void {
    const before = this.#image
    // A watch may tell late what a read has told already.
    if (image.history === before.history && image.revision < before.revision) return
    this.#image = image
    if (this.#lostWhy !== null) this.#deps.log.info({}, 'the registry of the set is followed again')
    this.#lostWhy = null
    if (image.history !== before.history) this.#written.clear()
    for (const [group, {revision}] of this.#written) if (revision <= image.revision) this.#written.delete(group)
    this.#deps.seen()
    for (const group of this.engines.groups) this.#yieldTo(group)
    const isSame = (group: string) => before.groups.get(group)?.revision === image.groups.get(group)?.revision
    for (const group of this.#deps.groups) if (!isSame(group)) this.#deps.changed(group)
    if (before.maintenance.revision !== image.maintenance.revision) this.#deps.changed(null)
    this.#hurry()
  }

  #lost(why: string): void {
    if (this.#lostWhy === null)
      this.#deps.log.warn(
        {error: why},
        'the registry of the set is not followed; owned groups are answered for as before',
      )
    this.#lostWhy = why
  }

  /** At once, and not at the next turn: an owner that has lost a group has nothing more to say of it. */
  #yieldTo(group: string): void {
    const {engines} = this
    const record = this.record(group)
    if (record !== undefined) engines.heard(group, record)
    if (!engines.isOwned(group)) return
    const isTaken =
      record !== undefined &&
      (record.value === 'unreadable' ||
        (!this.#lease.isOurs(record.value.owner) && record.value.epoch >= engines.epoch(group)))
    if (!isTaken && this.#deps.heardEpoch(group) <= engines.epoch(group)) return
    this.#deps.log.info({group}, `group ${group} has another owner`)
    engines.yield(group)
  }

  #suspend(): void {
    this.#deps.count('fenced')
    this.#deps.log.warn({}, 'this instance stood still past its lease: it answers again once it has read the registry')
    this.#deps.changed(null)
    this.#hurry()
  }

  #tick(): void {
    if (this.fence.tick()) this.#suspend()
    this.#cancelTick = this.#deps.clock.after(tickMs, () => this.#tick())
  }

  #hurry(): void {
    this.#isDue = true
    this.#wake()
  }

  async #turns(signal: AbortSignal): Promise<void> {
    const {clock, log} = this.#deps
    while (!signal.aborted) {
      this.#isDue = false
      this.#deps.seen()
      try {
        await this.#turn()
      } catch (error) {
        if (signal.aborted) return
        log.debug({error: String(error)}, 'the set could not be changed: tried again')
        await sleep(clock, retryMs, signal)
      }
      if (this.#isDue || signal.aborted) continue
      const rest = nap(clock, turnMs, signal)
      this.#wake = rest.wake
      await rest.done
    }
  }

  async #turn(): Promise<void> {
    if (this.fence.isSuspended) await this.#reread()
    // Between two leases everything goes on as it is.
    if (this.#lease.joined === null || !this.fence.isValid || this.#lostWhy !== null) return
    await takeTurn({
      ...this.#deps,
      engines: this.engines,
      writer: this.#writer,
      record: (group) => this.record(group),
      view: {
        us: this.us,
        instances: [...this.#image.instances.values()],
        adopted: this.#image.adopted.value,
        hasStandby: this.#deps.hasStandby,
      },
    })
    const {adopted} = this.#image
    if (!this.#adoption.isOver(this.#image, this.#deps.clock.now())) return
    // Each instance tries, and the revision lets one of them through.
    if (await this.#commit([{kind: 'adopted', configHash: null, revision: adopted.revision}]))
      this.#deps.log.info({}, 'all instances have one configuration: what was adopted is forgotten')
  }

  /** `false`: another instance wrote first, or the lease is gone. */
  async #commit(writes: readonly RegistryWrite[]): Promise<boolean> {
    const {registry, clock} = this.#deps
    const {joined} = this.#lease
    if (joined === null || !this.fence.isValid) {
      this.#deps.count('fenced')
      throw new Error('the lease of this instance is not valid')
    }
    using limit = deadline(clock, askMs, this.#stop.signal)
    const {succeeded, revision} = await registry.commit(joined, this.us, writes, limit.signal)
    if (!succeeded) return false
    for (const write of writes)
      if (write.kind === 'group') this.#written.set(write.name, {value: write.record, revision})
    return true
  }

  async #reread(): Promise<void> {
    const {clock, registry} = this.#deps
    using limit = deadline(clock, askMs, this.#stop.signal)
    const askedAt = clock.now()
    const image = await registry.read(limit.signal)
    this.#seen(image)
    const wasSuspended = this.fence.isSuspended
    this.fence.caughtUp(askedAt)
    if (wasSuspended && !this.fence.isSuspended) this.#deps.changed(null)
  }
}
