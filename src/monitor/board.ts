import {changesOfActuator, changesOfMaintenance} from '../core/changes.ts'
import type {Sources} from '../core/evidence/evidence-source.ts'
import {type HostRecord, newRecord} from '../core/facts/host-record.ts'
import type {Clock} from '../core/ports.ts'
import type {GroupSettings, MonitorSettings} from '../core/settings.ts'
import {
  type ActuatorState,
  type Change,
  causeOf,
  type GroupState,
  type HostState,
  type Publication,
  type Snapshot,
} from '../core/snapshot.ts'
import {
  type AssessSettings,
  assessGroup,
  assessHost,
  type GroupAssessment,
  type GroupPast,
} from '../core/verdict/assessment.ts'
import {blankMemory, type Memory} from '../core/verdict/group-memory.ts'
import {inherit} from '../core/verdict/memory.ts'
import {Membership} from './membership.ts'

export type BoardDeps = Readonly<{
  settings: MonitorSettings
  clock: Clock
  /** The sources of evidence that count in a group, as they are now. */
  sourcesOf: (group: string) => Sources
  memory: Memory
  epoch: string
  version: string
}>

/**
 * What is known, judged. Every event of a host comes in by `update`; its groups are judged at once,
 * and a publication goes out where something changed. Descriptions of hosts are made only when
 * somebody looks: at rest nobody does, and a thousand hosts cost a thousand small judgements.
 */
export class Board {
  readonly #deps: BoardDeps
  #settings: MonitorSettings
  #records = new Map<string, HostRecord>()
  readonly #roster = new Membership()
  #past = new Map<string, GroupAssessment>()
  /** When the first of `#past` goes stale; `null`: to be found. */
  #freshUntil: number | null = null
  #states = new Map<string, HostState>()
  #memory: Memory
  #targets: Readonly<Record<string, ActuatorState>> = {}
  #snapshot: Snapshot | null = null
  #sequence = 0
  /** The sequence number that subscribers were told last. */
  #told = 0
  #ready = false
  #dirty = new Set<string>()
  /** Described or judged since the last snapshot was made of what is shown. */
  readonly #moved = {hosts: new Set<string>(), groups: new Set<string>()}
  #hostsShown: Record<string, HostState> = {}
  #groupsShown: Record<string, GroupState> = {}
  /**
   * Monotonic: answers to questions from before this moment are void (the machine was suspended, or
   * its clock was set).
   */
  #voidBefore = Number.NEGATIVE_INFINITY
  #wallOffset: number
  #listeners = new Set<(publication: Publication) => void>()

  constructor(deps: BoardDeps) {
    this.#deps = deps
    this.#settings = deps.settings
    this.#memory = deps.memory
    this.#wallOffset = deps.clock.wall() - deps.clock.now()
    this.configure(deps.settings)
  }

  /**
   * Takes over new settings; hosts whose name stays keep what is known of them. Judges everything
   * anew.
   */
  configure(settings: MonitorSettings, fresh: ReadonlySet<string> = new Set()): void {
    this.#settings = settings
    this.#memory = {...this.#memory, groups: inherit(this.#memory.groups, settings.groups)}
    const known = this.#records
    this.#roster.configure(settings, (group) => this.#past.get(group)?.state.verdict.primary ?? null)
    this.#records = new Map(
      settings.hosts.map((host) => {
        const before = fresh.has(host.name) ? undefined : known.get(host.name)
        return [
          host.name,
          before ? {...before, settings: host} : newRecord(host, this.#memory.drains[host.name] ?? null),
        ]
      }),
    )
    this.#past = new Map([...this.#past].filter(([key]) => this.#roster.group(key) !== undefined))
    this.#states = new Map([...this.#states].filter(([host]) => this.#records.has(host)))
    // In the order of the configuration, and without what is gone.
    this.#hostsShown = Object.fromEntries(
      [...this.#records.keys()].map((host) => [host, this.#states.get(host)]),
    ) as Record<string, HostState>
    this.#groupsShown = Object.fromEntries(
      settings.groups.map(({name}) => [name, this.#past.get(name)?.state]),
    ) as Record<string, GroupState>
    this.#publish(this.#judge(this.#roster.keys))
  }

  get memory(): Memory {
    return this.#memory
  }

  get isReady(): boolean {
    return this.#ready
  }

  record(host: string): HostRecord | undefined {
    return this.#records.get(host)
  }

  records(): readonly HostRecord[] {
    return [...this.#records.values()]
  }

  /** Names of the groups of `host`, as keys for `assessment`. */
  groupsOf(host: string): readonly string[] {
    return this.#roster.groupsOf(host)
  }

  assessment(group: string): GroupAssessment | undefined {
    return this.#past.get(group)
  }

  settings(group: string): GroupSettings | undefined {
    return this.#roster.group(group)
  }

  /** Something was seen of `host`. */
  update(host: string, change: (record: HostRecord) => HostRecord): void {
    const before = this.#records.get(host)
    if (before === undefined) return
    const seenAt = this.#deps.clock.now()
    this.#watchWall()
    this.#records.set(host, this.#voided(change(before)))
    this.#publish(this.#judge(this.groupsOf(host)), seenAt)
  }

  /** A source of evidence has news for this group: judged at once, without a probe. */
  reassess(group: string): void {
    this.#watchWall()
    this.#publish(this.#judge([group]))
  }

  /** An operator's word changed what is remembered. */
  remember(memory: Memory): void {
    const seenAt = this.#deps.clock.now()
    const news = changesOfMaintenance(this.#memory.maintenance, memory.maintenance)
    this.#memory = memory
    for (const [host, record] of this.#records)
      this.#records.set(host, {...record, drained: memory.drains[host] ?? null})
    this.#publish([...this.#judge(this.#roster.keys), ...news], seenAt)
  }

  /** What a target reports of itself; `null`: there is no such target any more. */
  reportActuator(name: string, state: ActuatorState | null): void {
    const {[name]: before, ...others} = this.#targets
    this.#targets = state === null ? others : {...this.#targets, [name]: state}
    this.#snapshot = null
    this.#publish(changesOfActuator(name, before, state ?? undefined))
  }

  /** Tells what came to an end elsewhere: a switch that every target has followed. */
  announce(changes: readonly Change[]): void {
    this.#publish(changes)
  }

  /** Everything, as of now: what went stale since it was judged is judged again first. */
  current(): Snapshot {
    this.#watchWall()
    this.#endMaintenance()
    const now = this.#deps.clock.now()
    // Kept until something is judged: every request asks, and there may be hundreds of groups.
    this.#freshUntil ??= Math.min(...[...this.#past.values()].map(({freshUntil}) => freshUntil))
    if (now > this.#freshUntil) {
      const expired = [...this.#past].filter(([, {freshUntil}]) => now > freshUntil).map(([key]) => key)
      this.#publish(this.#judge(expired))
    }
    if (this.#snapshot === null || this.#dirty.size > 0) this.#snapshot = this.#materialise()
    return this.#snapshot
  }

  subscribe(listener: (publication: Publication) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Tells the subscribers what they have not seen: that LSNs, lags and counters moved. Whoever else
   * asked meanwhile takes nothing from them.
   */
  sample(): void {
    const snapshot = this.current()
    if (snapshot.sequence !== this.#told) this.#tell({changes: [], snapshot})
  }

  #endMaintenance(): void {
    const until = this.#memory.maintenance?.until ?? null
    if (until !== null && this.#deps.clock.wall() >= until) this.remember({...this.#memory, maintenance: null})
  }

  /**
   * A suspended machine keeps its monotonic clock, and with it yesterday's answers: only the wall
   * clock tells.
   */
  #watchWall(): void {
    const {clock} = this.#deps
    const offset = clock.wall() - clock.now()
    const jumped = Math.abs(offset - this.#wallOffset) > this.#settings.probe.maxAgeMs
    this.#wallOffset = offset
    if (!jumped) return
    this.#voidBefore = clock.now()
    for (const [host, record] of this.#records) this.#records.set(host, this.#voided(record))
    this.#publish(this.#judge(this.#roster.keys))
  }

  #voided(record: HostRecord): HostRecord {
    const {observation} = record
    if (observation === null || observation.askedAt >= this.#voidBefore) return record
    return {
      ...record,
      observation: {
        ...observation,
        askedAt: Math.min(observation.askedAt, this.#voidBefore - this.#settings.probe.maxAgeMs - 1),
      },
    }
  }

  #judge(keys: readonly string[]): readonly Change[] {
    const {clock} = this.#deps
    const {probe, followers, availability} = this.#settings
    const settings: AssessSettings = {
      maxAgeMs: probe.maxAgeMs,
      followersMaxAgeMs: followers.maxAgeMs,
      availabilityOn: availability !== null,
    }
    const changes: Change[] = []
    for (const key of keys) {
      const group = this.#roster.group(key)
      if (group === undefined) continue
      const records = group.hosts
        .map((host) => this.#records.get(host))
        .filter((record): record is HostRecord => record !== undefined)
      const before = this.#past.get(key)
      const past: GroupPast = {
        state: before?.state,
        memory: this.#memory.groups[key] ?? blankMemory,
        held: before?.held ?? {},
        joining: this.#roster.joining(key),
      }
      const after = assessGroup(
        group,
        records,
        past,
        this.#deps.sourcesOf(key),
        [],
        settings,
        clock.now(),
        clock.wall(),
      )
      this.#past.set(key, after)
      this.#freshUntil = null
      this.#moved.groups.add(key)
      this.#dirty.add(key)
      if (!key.startsWith('\0')) {
        if (JSON.stringify(after.memory) !== JSON.stringify(past.memory))
          this.#memory = {...this.#memory, groups: {...this.#memory.groups, [key]: after.memory}}
        changes.push(...after.changes)
      }
    }
    const moved = keys
      .flatMap((key) => this.#past.get(key)?.view.members ?? [])
      .filter(({host, condition: standing, record}) => {
        const state = this.#states.get(host)
        return (
          state === undefined ||
          state.role !== standing.role ||
          causeOf(state) !== standing.cause ||
          (state.drained === null) !== (record.drained === null)
        )
      })
    return moved.length > 0 || changes.length > 0 ? [...this.#describe(), ...changes] : changes
  }

  /** Brings the public states of all hosts of changed groups up to date; returns their changes. */
  #describe(): readonly Change[] {
    const hosts = new Set([...this.#dirty].flatMap((key) => this.#roster.group(key)?.hosts ?? []))
    this.#dirty.clear()
    const changes: Change[] = []
    for (const host of hosts) {
      const through = this.groupsOf(host)
        .map((key) => this.#past.get(key))
        .filter((group): group is GroupAssessment => group !== undefined)
      const described = assessHost(
        host,
        through,
        this.#states.get(host),
        this.#settings.availability !== null,
        this.#deps.clock.wall(),
      )
      if (described === null) continue
      const isStray = described.state.groups[0] === ''
      this.#states.set(host, isStray ? {...described.state, groups: []} : described.state)
      this.#moved.hosts.add(host)
      changes.push(...described.changes)
    }
    this.#snapshot = null
    return changes
  }

  #publish(changes: readonly Change[], seenAt = this.#deps.clock.now()): void {
    if (changes.length === 0) return
    this.#snapshot = this.#materialise()
    this.#tell({changes, snapshot: this.#snapshot, seenAt})
  }

  #tell(publication: Publication): void {
    this.#told = publication.snapshot.sequence
    for (const listener of this.#listeners) listener(publication)
  }

  #materialise(): Snapshot {
    if (this.#dirty.size > 0) this.#describe()
    this.#sequence += 1
    this.#ready ||= [...this.#records.values()].every(({observation}) => observation !== null)
    // A thousand keys are copied in microseconds and set one by one in a millisecond: only what
    // moved since the last snapshot is set.
    const [hosts, groups] = [{...this.#hostsShown}, {...this.#groupsShown}]
    for (const host of this.#moved.hosts) hosts[host] = this.#states.get(host) as HostState
    for (const key of this.#moved.groups) {
      const state = this.#past.get(key)?.state
      if (state !== undefined && state.name !== '') groups[key] = state
    }
    this.#moved.hosts.clear()
    this.#moved.groups.clear()
    this.#hostsShown = hosts
    this.#groupsShown = groups
    return {
      epoch: this.#deps.epoch,
      sequence: this.#sequence,
      at: this.#deps.clock.wall(),
      ready: this.#ready,
      version: this.#deps.version,
      maxAgeMs: this.#settings.probe.maxAgeMs,
      groups,
      hosts,
      actuators: this.#targets,
      maintenance: this.#memory.maintenance,
    }
  }
}
