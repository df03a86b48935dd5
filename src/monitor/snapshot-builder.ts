import type {Clock} from '../core/ports.ts'
import type {MonitorSettings} from '../core/settings.ts'
import {
  type ActuatorState,
  type Change,
  causeOf,
  type GroupState,
  type Hold,
  type HostState,
  type Snapshot,
} from '../core/snapshot.ts'
import {assessHost, assessUngrouped, type HostAssessment} from '../core/verdict/assessment.ts'
import {isAskingAgain} from '../core/verdict/verdict.ts'
import type {Ledger} from './ledger.ts'
import type {Unit} from './membership.ts'

export type SnapshotBuilderDeps = Readonly<{ledger: Ledger; clock: Clock; epoch: string; version: string}>

/**
 * Builds snapshots from the ledger. The public state of a host is built when a snapshot needs it,
 * or when its role, cause or drain changed: an idle probe costs one judgement of its groups and
 * nothing else (measured at 1,000 hosts).
 */
export class SnapshotBuilder {
  readonly #deps: SnapshotBuilderDeps
  #settings: MonitorSettings
  #states = new Map<string, HostState>()
  #groupsShown: Record<string, GroupState> = {}
  #hostsShown: Record<string, HostState> = {}
  /** Hosts whose state is older than the ledger. */
  readonly #outdated = new Set<string>()
  /** Built or judged since the last snapshot was made of what is shown. */
  readonly #moved = {hosts: new Set<string>(), groups: new Set<string>()}
  #sequence = 0
  #isReady = false

  constructor(settings: MonitorSettings, deps: SnapshotBuilderDeps) {
    this.#settings = settings
    this.#deps = deps
  }

  /** What is shown, in the order of the configuration, and without what is gone. */
  configure(settings: MonitorSettings): void {
    const {ledger} = this.#deps
    this.#settings = settings
    const hosts = settings.hosts.map(({name}) => [name, this.#states.get(name)] as const)
    this.#states = new Map(hosts.filter((host): host is [string, HostState] => host[1] !== undefined))
    // Every unit is judged next, and only then shown.
    this.#hostsShown = Object.fromEntries(hosts) as Record<string, HostState>
    this.#groupsShown = Object.fromEntries(
      settings.groups.map(({name}) => [name, ledger.assessment(name)?.state]),
    ) as Record<string, GroupState>
  }

  /** These units were judged. Returns what changed of the hosts for everyone to see. */
  judged(units: readonly Unit[], isNews: boolean): readonly Change[] {
    const {ledger} = this.#deps
    let hasMoved = isNews
    for (const unit of units) {
      if (unit.kind === 'group') this.#moved.groups.add(unit.name)
      for (const host of ledger.hostsOf(unit)) this.#outdated.add(host)
      hasMoved ||= this.#hasMoved(unit)
    }
    return hasMoved ? this.#describe() : []
  }

  /** Positions or ages of this host moved, and nothing else of its groups. */
  moved(host: string): void {
    this.#outdated.add(host)
  }

  build(actuators: Readonly<Record<string, ActuatorState>>, hold: Hold | null): Snapshot {
    const {ledger, clock, epoch, version} = this.#deps
    this.#describe()
    this.#sequence += 1
    // A thousand keys are copied in microseconds and set one by one in a millisecond: only what
    // moved since the last snapshot is set.
    const [hosts, groups] = [{...this.#hostsShown}, {...this.#groupsShown}]
    for (const host of this.#moved.hosts) hosts[host] = this.#states.get(host) as HostState
    for (const group of this.#moved.groups) {
      const state = ledger.assessment(group)?.state
      if (state !== undefined) groups[group] = state
    }
    this.#moved.hosts.clear()
    this.#moved.groups.clear()
    this.#isReady ||=
      ledger.records().every(({observation}) => observation !== null) &&
      !Object.values(groups).some(({verdict}) => verdict.kind === 'starting' && isAskingAgain(verdict))
    this.#hostsShown = hosts
    this.#groupsShown = groups
    return {
      epoch,
      sequence: this.#sequence,
      at: clock.wall(),
      ready: this.#isReady,
      version,
      maxAgeMs: this.#settings.probe.maxAgeMs,
      groups,
      hosts,
      actuators,
      maintenance: ledger.memory.maintenance,
      hold,
      config: this.#settings.inForce ?? null,
    }
  }

  /** Is a host of this unit another one than is shown? */
  #hasMoved(unit: Unit): boolean {
    const {ledger} = this.#deps
    const view = unit.kind === 'group' ? ledger.assessment(unit.name)?.view : ledger.viewOfUngrouped(unit.host)
    return (view?.members ?? []).some(({host, condition, record}) => {
      const state = this.#states.get(host)
      return (
        state === undefined ||
        state.role !== condition.role ||
        causeOf(state) !== condition.cause ||
        (state.drained === null) !== (record.drained === null)
      )
    })
  }

  /** Brings the public states of all outdated hosts up to date; returns their changes. */
  #describe(): readonly Change[] {
    const changes: Change[] = []
    for (const host of this.#outdated) {
      const described = this.#stateOf(host)
      if (described === null) continue
      this.#states.set(host, described.state)
      this.#moved.hosts.add(host)
      changes.push(...described.changes)
    }
    this.#outdated.clear()
    return changes
  }

  #stateOf(host: string): HostAssessment | null {
    const {ledger, clock} = this.#deps
    const before = this.#states.get(host)
    const availabilityOn = this.#settings.availability !== null
    const alone = ledger.viewOfUngrouped(host)
    if (alone !== undefined) return assessUngrouped({view: alone, before, availabilityOn, wall: clock.wall()})
    const through = ledger.groupsOf(host).flatMap((group) => ledger.assessment(group) ?? [])
    return assessHost({host, through, before, availabilityOn, wall: clock.wall()})
  }
}
