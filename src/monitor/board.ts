import {changesOfActuator, changesOfHold, changesOfMaintenance} from '../core/changes.ts'
import type {HostRecord} from '../core/facts/host-record.ts'
import type {Clock, Log} from '../core/ports.ts'
import {Outbox} from '../core/publication/outbox.ts'
import type {GroupSettings, MonitorSettings} from '../core/settings.ts'
import type {ActuatorState, Change, Hold, Publication, Snapshot} from '../core/snapshot.ts'
import type {GroupAssessment} from '../core/verdict/assessment.ts'
import type {Memory} from '../core/verdict/group-memory.ts'
import {assertSnapshot, assertSuccessor} from '../core/verdict/invariants.ts'
import type {Marks} from './duplicates/duplicates.ts'
import {Ledger, type LedgerDeps} from './ledger.ts'
import type {Unit} from './membership.ts'
import {SnapshotBuilder} from './snapshot-builder.ts'

export type BoardDeps = LedgerDeps & Readonly<{epoch: string; version: string; log: Pick<Log, 'error'>}>

/**
 * Judges every event at once, and publishes where something changed. One event costs one judgement
 * of each group of its host, or none where a standby told new positions alone. The states of hosts
 * are built only when a snapshot needs them.
 */
export class Board {
  readonly #clock: Clock
  readonly #ledger: Ledger
  readonly #builder: SnapshotBuilder
  #actuators: Readonly<Record<string, ActuatorState>> = {}
  #hold: Hold | null = null
  /** `null`: what it showed has changed. */
  #snapshot: Snapshot | null = null
  /** What was published last. */
  #published: Snapshot | null = null
  readonly #outbox: Outbox

  constructor(deps: BoardDeps) {
    const {settings, clock, log, epoch, version} = deps
    this.#clock = clock
    this.#outbox = new Outbox(log)
    this.#ledger = new Ledger(deps)
    this.#builder = new SnapshotBuilder(settings, {ledger: this.#ledger, clock, epoch, version})
    this.configure(settings)
  }

  /**
   * Takes over new settings; hosts whose name stays keep what is known of them, unless they are
   * `fresh`. Judges everything anew.
   */
  configure(settings: MonitorSettings, fresh: ReadonlySet<string> = new Set()): void {
    this.#ledger.configure(settings, fresh)
    this.#builder.configure(settings)
    this.#publish(this.#judge(this.#ledger.units))
  }

  get memory(): Memory {
    return this.#ledger.memory
  }

  get units(): readonly Unit[] {
    return this.#ledger.units
  }

  unitOf(group: string): Unit | undefined {
    return this.#ledger.unitOf(group)
  }

  unitsOf(host: string): readonly Unit[] {
    return this.#ledger.unitsOf(host)
  }

  hostsOf(unit: Unit): readonly string[] {
    return this.#ledger.hostsOf(unit)
  }

  /** Names of the groups of `host`; none: the host is ungrouped. */
  groupsOf(host: string): readonly string[] {
    return this.#ledger.groupsOf(host)
  }

  record(host: string): HostRecord | undefined {
    return this.#ledger.record(host)
  }

  records(): readonly HostRecord[] {
    return this.#ledger.records()
  }

  assessment(group: string): GroupAssessment | undefined {
    return this.#ledger.assessment(group)
  }

  settings(group: string): GroupSettings | undefined {
    return this.#ledger.group(group)
  }

  /**
   * One event of `host`: an answer, a failure, a knock, a heartbeat. Costs one judgement of each of
   * its groups, and a snapshot only where something changed; subscribers are called before it
   * returns.
   */
  update(host: string, change: (record: HostRecord) => HostRecord): void {
    const seenAt = this.#clock.now()
    this.#watchClock()
    const {judge, steady} = this.#ledger.change(host, change)
    if (steady.length > 0) {
      this.#snapshot = null
      this.#builder.moved(host)
    }
    this.#publish(this.#judge(judge), seenAt)
  }

  /** Names proved to be one server, or no longer are. */
  mark(marks: Marks): void {
    const seenAt = this.#clock.now()
    this.#watchClock()
    this.#publish(this.#judge(this.#ledger.mark(marks)), seenAt)
  }

  /** A source of evidence has news for this group: judged at once, without a probe. */
  reassess(group: string): void {
    this.#watchClock()
    const unit = this.unitOf(group)
    if (unit) this.#publish(this.#judge([unit]))
  }

  /** An order of the operator changed what is remembered. */
  remember(memory: Memory): void {
    const seenAt = this.#clock.now()
    const news = changesOfMaintenance(this.memory.maintenance, memory.maintenance)
    this.#ledger.remember(memory)
    this.#publish([...this.#judge(this.#ledger.units), ...news], seenAt)
  }

  /** What an actuator reports of itself; `null`: the actuator no longer exists. */
  reportActuator(name: string, state: ActuatorState | null): void {
    const {[name]: before, ...others} = this.#actuators
    this.#actuators = state === null ? others : {...this.#actuators, [name]: state}
    this.#snapshot = null
    this.#publish(changesOfActuator(name, before, state ?? undefined))
  }

  /** The writers of a group wait from now on; `null`: they no longer do. */
  hold(hold: Hold | null): void {
    const before = this.#hold
    this.#hold = hold
    this.#snapshot = null
    this.#publish(changesOfHold(before, hold))
  }

  /** Publishes what came to an end elsewhere: a switch that every actuator has followed. */
  announce(changes: readonly Change[]): void {
    this.#publish(changes)
  }

  /** Everything, as of now: what went stale since it was judged is judged again first. */
  current(): Snapshot {
    this.#watchClock()
    this.#endMaintenance()
    const expired = this.#ledger.expired()
    if (expired.length > 0) this.#publish(this.#judge(expired))
    this.#snapshot ??= this.#builder.build(this.#actuators, this.#hold)
    return this.#snapshot
  }

  subscribe(listener: (publication: Publication) => void): () => void {
    return this.#outbox.subscribe(listener)
  }

  /**
   * Publishes what subscribers have not seen: LSNs, lags and counters moved. A snapshot that
   * another caller of `current` has seen meanwhile is still published.
   */
  sample(): void {
    const snapshot = this.current()
    if (snapshot.sequence !== this.#published?.sequence) this.#tell({changes: [], snapshot})
  }

  #endMaintenance(): void {
    const until = this.memory.maintenance?.until ?? null
    if (until !== null && this.#clock.wall() >= until) this.remember({...this.memory, maintenance: null})
  }

  #watchClock(): void {
    if (this.#ledger.hasClockJumped()) this.#publish(this.#judge(this.#ledger.units))
  }

  #judge(units: readonly Unit[]): readonly Change[] {
    if (units.length === 0) return []
    this.#snapshot = null
    const ofGroups = this.#ledger.judge(units)
    const ofHosts = this.#builder.judged(units, ofGroups.length > 0)
    return [...ofHosts, ...ofGroups]
  }

  #publish(changes: readonly Change[], seenAt = this.#clock.now()): void {
    if (changes.length === 0) return
    this.#snapshot = this.#builder.build(this.#actuators, this.#hold)
    this.#tell({changes, snapshot: this.#snapshot, seenAt})
  }

  /**
   * Throws InvariantError, and tells no one, where the snapshot contradicts itself: a bug. A
   * listener that makes the board publish again is told of that after everyone heard of this.
   */
  #tell(publication: Publication): void {
    const {snapshot} = publication
    assertSnapshot(snapshot)
    assertSuccessor(this.#published, snapshot)
    this.#published = snapshot
    this.#outbox.tell(publication)
  }
}
