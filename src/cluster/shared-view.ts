import {changesOfActuator, changesOfGroup, changesOfHost, changesOfMaintenance} from '../core/changes.ts'
import type {ActuatorReports, Clock, Log, SnapshotSource} from '../core/ports.ts'
import {Outbox} from '../core/publication/outbox.ts'
import type {ConfigInForce, HostSettings} from '../core/settings.ts'
import type {
  ActuatorState,
  Change,
  GroupState,
  HostState,
  Maintenance,
  Publication,
  Snapshot,
} from '../core/snapshot.ts'
import {assertSnapshot} from '../core/verdict/invariants.ts'
import {isStarting} from '../core/verdict/verdict-kind.ts'
import {heldUntil, type Part, partIn, staleOfPart, untoldPart} from './part.ts'

export type ViewDeps = Readonly<{
  groups: readonly Readonly<{name: string; hosts: readonly string[]}>[]
  hosts: readonly HostSettings[]
  maxAgeMs: number
  clock: Clock
  log: Pick<Log, 'error'>
  epoch: string
  version: string
  /** What answers for a group now; `null`: nothing does. Asking may make its source publish. */
  partOf: (group: string) => Part | null
  /** Sources that may have gone stale since they published: asked before each answer. */
  refresh: () => readonly string[]
  maintenance: () => Maintenance | null
  /** What this instance works by; default: not known. */
  config?: () => ConfigInForce | null
}>

/**
 * At most a fifth of the time goes into publications, because each costs a look at every group. When many groups
 * change at once, this instance tells fewer and larger publications.
 */
const shareOfTime = 5
/** A process that stood still meanwhile does not wait for it. */
const longestRestMs = 200

/** What is shown of a group, and until when without news (monotonic; `null`: its source says so itself). */
type Shown = Readonly<{part: Part; until: number | null; isLive: boolean}>

/**
 * One snapshot of all groups of a set, whichever instance owns them. A group whose source ends keeps what
 * was last seen until that is as old as an answer may be.
 */
export class SharedView implements SnapshotSource, ActuatorReports {
  readonly #deps: ViewDeps
  readonly #shown = new Map<string, Shown>()
  readonly #outbox: Outbox
  readonly #dirty = new Set<string>()
  #actuators: Readonly<Record<string, ActuatorState>> = {}
  #maintenance: Maintenance | null = null
  #snapshot: Snapshot
  #publishedSequence = 0
  #isReady = false
  #isRefreshing = false
  /** The snapshot is older than what is shown of the groups. */
  #isOutdated = false
  #cancelTimer: () => void = () => {}
  #restUntil = Number.NEGATIVE_INFINITY
  /** Monotonic: since when news wait for the next publication; `null`: none do. */
  #waitsSince: number | null = null
  #cancelWait: () => void = () => {}

  constructor(deps: ViewDeps) {
    this.#deps = deps
    this.#outbox = new Outbox(deps.log)
    const byName = new Map(deps.hosts.map((host) => [host.name, host]))
    for (const group of deps.groups) {
      const part = untoldPart(group, byName, deps.clock.wall())
      this.#shown.set(group.name, {part, until: null, isLive: false})
      this.#dirty.add(group.name)
    }
    this.#snapshot = this.#built(0)
    this.#tick()
  }

  current(): Snapshot {
    for (const group of this.#deps.refresh()) this.#dirty.add(group)
    const now = this.#deps.clock.now()
    for (const [group, {until}] of this.#shown) if (until !== null && now > until) this.#dirty.add(group)
    this.#refresh()
    if (this.#isOutdated) this.#build()
    return this.#snapshot
  }

  subscribe(listener: (publication: Publication) => void): () => void {
    return this.#outbox.subscribe(listener)
  }

  /** These groups have news, or another source; `null`: every group, and the maintenance, told at once. */
  changed(groups: readonly string[] | null): void {
    for (const group of groups ?? this.#deps.groups.map(({name}) => name)) this.#dirty.add(group)
    const now = this.#deps.clock.now()
    if (groups === null || now >= this.#restUntil) this.#refresh()
    else if (this.#waitsSince === null) {
      this.#waitsSince = now
      this.#cancelWait = this.#deps.clock.after(this.#restUntil - now, () => this.#refresh())
    }
  }

  reportActuator(name: string, state: ActuatorState | null): void {
    const {[name]: before, ...others} = this.#actuators
    this.#actuators = state === null ? others : {...this.#actuators, [name]: state}
    this.#publish(changesOfActuator(name, before, state ?? undefined), true)
  }

  announce(changes: readonly Change[]): void {
    this.#publish(changes, false)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelTimer()
    this.#cancelWait()
  }

  #tick(): void {
    this.#cancelTimer = this.#deps.clock.after(1_000, () => {
      const {sequence} = this.current()
      if (sequence !== this.#publishedSequence) this.#tell({changes: [], snapshot: this.#snapshot})
      this.#tick()
    })
  }

  /** What a source publishes while it is asked is taken in by the same refresh. */
  #refresh(): void {
    if (this.#isRefreshing) return
    this.#isRefreshing = true
    this.#cancelWait()
    const seenAt = this.#waitsSince ?? this.#deps.clock.now()
    this.#waitsSince = null
    const changes: Change[] = []
    let hasMoved = false
    try {
      const maintenance = this.#deps.maintenance()
      if (JSON.stringify(maintenance) !== JSON.stringify(this.#maintenance)) {
        changes.push(...changesOfMaintenance(this.#maintenance, maintenance))
        this.#maintenance = maintenance
        hasMoved = true
      }
      for (const group of this.#dirty) {
        this.#dirty.delete(group)
        const before = this.#shown.get(group)
        if (before === undefined) continue
        const after = this.#next(group, before)
        if (after.part === before.part && after.until === before.until) continue
        hasMoved ||= after.part !== before.part
        this.#shown.set(group, after)
        if (after.part !== before.part) changes.push(...differences(before.part, after.part))
      }
    } finally {
      this.#isRefreshing = false
    }
    this.#publish(changes, hasMoved, seenAt)
  }

  #next(group: string, before: Shown): Shown {
    const {partOf, clock, maxAgeMs} = this.#deps
    const part = partOf(group)
    if (part !== null) return {part, until: null, isLive: true}
    const now = clock.now()
    const until = before.isLive ? heldUntil(before.part, now, maxAgeMs) : before.until
    if (until === null) return before
    if (now <= until) return {part: before.part, until, isLive: false}
    return {part: staleOfPart(before.part, {now, wall: clock.wall()}), until: null, isLive: false}
  }

  #publish(changes: readonly Change[], hasMoved: boolean, seenAt = this.#deps.clock.now()): void {
    if (!hasMoved && changes.length === 0) return
    // Positions and ages move all the time: a snapshot of hundreds of groups is built when it is asked for.
    this.#isOutdated = true
    if (changes.length === 0) return
    const begun = this.#deps.clock.now()
    this.#build()
    this.#tell({changes, snapshot: this.#snapshot, seenAt})
    const now = this.#deps.clock.now()
    this.#restUntil = now + Math.min(longestRestMs, (shareOfTime - 1) * (now - begun))
  }

  #build(): void {
    this.#isOutdated = false
    this.#snapshot = this.#built(this.#snapshot.sequence + 1)
  }

  #built(sequence: number): Snapshot {
    const {epoch, version, clock, maxAgeMs} = this.#deps
    const groups: Record<string, GroupState> = {}
    const hosts: Record<string, HostState> = {}
    for (const {part} of this.#shown.values()) {
      groups[part.group.name] = part.group
      for (const host of part.hosts) {
        const other = hosts[host.host]
        // Two configurations may each have the host in another group: then it belongs to both.
        hosts[host.host] = other ? {...host, groups: [...new Set([...other.groups, ...host.groups])]} : host
      }
    }
    this.#isReady ||= Object.values(groups).every(({verdict}) => !isStarting(verdict))
    return {
      epoch,
      sequence,
      at: clock.wall(),
      ready: this.#isReady,
      version,
      maxAgeMs,
      groups,
      hosts,
      actuators: this.#actuators,
      maintenance: this.#maintenance,
      config: this.#deps.config?.() ?? null,
    }
  }

  /** A listener that makes the view publish again is told of that after every listener heard of this. */
  #tell(publication: Publication): void {
    assertSnapshot(publication.snapshot)
    this.#publishedSequence = publication.snapshot.sequence
    this.#outbox.tell(publication)
  }
}

function differences(before: Part, after: Part): readonly Change[] {
  const known = new Map(before.hosts.map((host) => [host.host, host]))
  const ofHosts = after.hosts.flatMap((host) => changesOfHost(known.get(host.host), host))
  return [...ofHosts, ...changesOfGroup(before.group, after.group)]
}

/** The groups that this instance owns, alone: what it sends to the other instances. */
export function ownView(source: SnapshotSource, id: string): SnapshotSource {
  let last: Readonly<{whole: Snapshot; own: Snapshot}> | null = null
  const own = (whole: Snapshot): Snapshot => {
    if (last?.whole !== whole) last = {whole, own: only(whole, id)}
    return last.own
  }
  return {
    current: () => own(source.current()),
    subscribe: (listener) =>
      source.subscribe(({changes, snapshot, ...more}) => {
        const mine = own(snapshot)
        const isMine = ({group, host}: Change) =>
          (group !== null && Object.hasOwn(mine.groups, group)) || (host !== null && Object.hasOwn(mine.hosts, host))
        listener({...more, changes: changes.filter(isMine), snapshot: mine})
      }),
    [Symbol.asyncDispose]: async () => {},
  }
}

function only(snapshot: Snapshot, id: string): Snapshot {
  const parts = Object.values(snapshot.groups).flatMap(({name, owner}) =>
    owner?.instance === id ? (partIn(snapshot, name) ?? []) : [],
  )
  return {
    ...snapshot,
    groups: Object.fromEntries(parts.map(({group}) => [group.name, group])),
    hosts: Object.fromEntries(
      parts.flatMap(({group, hosts}) => hosts.map((host) => [host.host, {...host, groups: [group.name]}])),
    ),
    actuators: {},
  }
}
