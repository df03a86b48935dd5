import type {ActuatorReports, Clock, Log, Orders, Random, SnapshotSource} from '../core/ports.ts'
import type {ConfigInForce, HostSettings} from '../core/settings.ts'
import type {ActuatorState, Change, GroupOwner, Maintenance, Publication, Snapshot} from '../core/snapshot.ts'
import type {StartEngine} from './engines.ts'
import {Member} from './member.ts'
import type {MemberDeps} from './member-deps.ts'
import {type ForwardOrder, SharedOrders} from './orders.ts'
import {type Part, partIn} from './part.ts'
import type {Instance} from './record.ts'
import type {Registry} from './registry.ts'
import {ownView, SharedView} from './shared-view.ts'
import {isStale, type OpenStream, Streams} from './streams.ts'

export type SharedSetDeps = Readonly<{
  us: Omit<Instance, 'session' | 'isLeaving'>
  groups: readonly Readonly<{name: string; hosts: readonly string[]}>[]
  hosts: readonly HostSettings[]
  ttlMs: number
  maxAgeMs: number
  hasStandby: boolean
  registry: Registry
  start: StartEngine
  open: OpenStream
  forward: ForwardOrder
  clock: Clock
  random: Random
  log: Log
  epoch: string
  version: string
  count?: MemberDeps['count']
  /** What this instance works by; default: not known. */
  config?: () => ConfigInForce | null
}>

/**
 * This instance's part in a set: one source of all groups, those of other instances too. What the API, checks, the
 * connector and the actuators hold instead of a monitor.
 */
export class SharedSet implements SnapshotSource, ActuatorReports {
  readonly member: Member
  readonly streams: Streams
  /** The groups that this instance owns, alone, for the other instances. */
  readonly own: SnapshotSource
  readonly orders: Orders
  readonly #deps: SharedSetDeps
  readonly #view: SharedView
  readonly #parts = new Map<string, Readonly<{snapshot: Snapshot; part: Part}>>()
  /** The maintenance that was seen last, and since when (monotonic). */
  #maintained: Readonly<{revision: bigint; seenAt: number}> = {revision: 0n, seenAt: 0}

  constructor(deps: SharedSetDeps) {
    this.#deps = deps
    const {clock, random, log, us} = deps
    this.streams = new Streams({
      open: deps.open,
      clock,
      random,
      log,
      changed: (groups) => {
        for (const group of groups) this.member.heard(group)
        this.#view.changed(groups)
      },
    })
    this.member = new Member({
      ...deps,
      groups: deps.groups.map(({name}) => name),
      heardEpoch: (group) => this.streams.epochOf(group),
      changed: (group) => this.#view.changed(group === null ? null : [group]),
      seen: () => this.#follow(),
      count: deps.count ?? (() => {}),
    })
    this.#view = new SharedView({
      ...deps,
      partOf: (group) => this.#partOf(group),
      refresh: () => this.#moved(),
      maintenance: () => this.#maintenance(),
    })
    this.own = ownView(this, us.id)
    this.orders = new SharedOrders({...deps, member: this.member})
    this.member.begin()
  }

  current(): Snapshot {
    return this.#view.current()
  }

  subscribe(listener: (publication: Publication) => void): () => void {
    return this.#view.subscribe(listener)
  }

  reportActuator(name: string, state: ActuatorState | null): void {
    this.#view.reportActuator(name, state)
  }

  announce(changes: readonly Change[]): void {
    this.#view.announce(changes)
  }

  /** Gives the groups to other instances, and ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.member[Symbol.asyncDispose]()
    await this.streams[Symbol.asyncDispose]()
    await this.#view[Symbol.asyncDispose]()
  }

  /** By our own probes where we are the owner, else by the owner's stream, else by its standby. */
  #partOf(group: string): Part | null {
    const {member} = this
    if (member.isAnswering(group)) return this.#ownPart(group, member.engines.epoch(group))
    const part = this.streams.partOf(group, member.epochOf(group))
    if ((part !== null && !isStale(part)) || !member.mayStandIn(group)) return part
    return this.#ownPart(group, member.epochOf(group), {isStandingIn: true})
  }

  #ownPart(group: string, epoch: number, more: Readonly<{isStandingIn?: true}> = {}): Part | null {
    const snapshot = this.member.engines.engine(group)?.current()
    if (snapshot === undefined) return null
    const known = this.#parts.get(group)
    const owner = {instance: this.#deps.us.id, epoch, ...more}
    if (known?.snapshot === snapshot && isSameOwner(known.part.group.owner, owner)) return known.part
    const part = partIn(snapshot, group)
    if (part === null) return null
    const owned = {...part, group: {...part.group, owner}}
    this.#parts.set(group, {snapshot, part: owned})
    return owned
  }

  /** Groups that we probe and whose snapshot is another one than was shown last. */
  #moved(): readonly string[] {
    const {member, streams} = this
    streams.refresh()
    return member.engines.groups.filter((group) => {
      if (!member.isAnswering(group)) return true
      return member.engines.engine(group)?.current() !== this.#parts.get(group)?.snapshot
    })
  }

  /**
   * The registry ends it by a lease, which a new leader of etcd counts anew, and does not end while it is
   * away. So each instance counts its length as well, by a clock that cannot be set.
   */
  #maintenance(): Maintenance | null {
    const {value, revision} = this.member.image.maintenance
    const now = this.#deps.clock.now()
    if (revision !== this.#maintained.revision) this.#maintained = {revision, seenAt: now}
    if (value === null || value.until === null) return value
    return now - this.#maintained.seenAt < value.until - value.since ? value : null
  }

  #follow(): void {
    const others = [...this.member.image.instances.values()].filter(({id}) => id !== this.#deps.us.id)
    this.streams.follow(others)
  }
}

const isSameOwner = (one: GroupOwner | null | undefined, other: GroupOwner): boolean =>
  one?.instance === other.instance && one.epoch === other.epoch && one.isStandingIn === other.isStandingIn
