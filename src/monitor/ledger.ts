import {isOwn} from '../core/evidence/confirmation.ts'
import type {Sources} from '../core/evidence/evidence-source.ts'
import type {GroupView} from '../core/facts/group-view.ts'
import {type HostRecord, newRecord} from '../core/facts/host-record.ts'
import type {Clock} from '../core/ports.ts'
import type {GroupSettings, MonitorSettings} from '../core/settings.ts'
import type {Change} from '../core/snapshot.ts'
import {assessGroup, type GroupAssessment, type GroupPast, viewUngrouped} from '../core/verdict/assessment.ts'
import {blankMemory, type Memory} from '../core/verdict/group-memory.ts'
import {inherit} from '../core/verdict/inheritance.ts'
import {noNotes} from '../core/verdict/memory.ts'
import {isSteady, type Moved, move, nothingMoved, type Step, withMoved} from '../core/verdict/short-way.ts'
import {inherited, type Marks} from './duplicates/duplicates.ts'
import {Membership, type Unit} from './membership.ts'

export type LedgerDeps = Readonly<{
  settings: MonitorSettings
  clock: Clock
  /** The sources of evidence that count in a group, as they are now. */
  sourcesOf: (group: string) => Sources
  memory: Memory
  /** Every event is judged as a whole: to compare with. */
  isThorough?: boolean
}>

/** `judge`: the units to judge. `steady`: in these nothing but positions and ages moved. */
export type Changed = Readonly<{judge: readonly Unit[]; steady: readonly Unit[]}>

/**
 * The latest record per host, the verdict of each group over them, and what outlives a restart.
 * The caller that changes a record judges its units next: the ledger does not do so by itself.
 */
export class Ledger {
  readonly #deps: LedgerDeps
  readonly #membership = new Membership()
  #settings: MonitorSettings
  #memory: Memory
  #records = new Map<string, HostRecord>()
  #assessments = new Map<string, GroupAssessment>()
  /** By group: what moved since its last judgement. */
  readonly #moved = new Map<string, Moved>()
  #ungrouped = new Map<string, GroupView>()
  /** Monotonic: when the first of the judgements goes stale; `null`: to be computed. */
  #freshUntil: number | null = null
  /**
   * Monotonic: answers to questions from before this moment are void (the machine was suspended, or
   * its clock was set).
   */
  #voidBefore = Number.NEGATIVE_INFINITY
  #wallOffset: number

  constructor(deps: LedgerDeps) {
    this.#deps = deps
    this.#settings = deps.settings
    this.#memory = deps.memory
    this.#wallOffset = deps.clock.wall() - deps.clock.now()
  }

  get memory(): Memory {
    return this.#memory
  }

  get units(): readonly Unit[] {
    return this.#membership.units
  }

  unitOf(group: string): Unit | undefined {
    return this.#membership.unitOf(group)
  }

  unitsOf(host: string): readonly Unit[] {
    return this.#membership.unitsOf(host)
  }

  hostsOf(unit: Unit): readonly string[] {
    return this.#membership.hostsOf(unit)
  }

  groupsOf(host: string): readonly string[] {
    return this.unitsOf(host).flatMap((unit) => (unit.kind === 'group' ? [unit.name] : []))
  }

  group(name: string): GroupSettings | undefined {
    return this.#membership.group(name)
  }

  /** As of the last judgement, with the answers since then that it did not have to take notice of. */
  assessment(group: string): GroupAssessment | undefined {
    const [assessment, moved] = [this.#assessments.get(group), this.#moved.get(group)]
    if (assessment === undefined || moved === undefined) return assessment
    const current = withMoved(assessment, moved)
    this.#assessments.set(group, current)
    this.#moved.delete(group)
    return current
  }

  viewOfUngrouped(host: string): GroupView | undefined {
    return this.#ungrouped.get(host)
  }

  record(host: string): HostRecord | undefined {
    return this.#records.get(host)
  }

  records(): readonly HostRecord[] {
    return [...this.#records.values()]
  }

  /** Hosts whose name stays keep what is known of them, unless they are `fresh`. */
  configure(settings: MonitorSettings, fresh: ReadonlySet<string>): void {
    this.#settings = settings
    this.#memory = {...this.#memory, groups: inherit(this.#memory.groups, settings.groups)}
    this.#membership.configure(settings, (group) => this.#assessments.get(group)?.state.verdict.primary ?? null)
    const known = this.#records
    this.#records = new Map(
      settings.hosts.map((host) => {
        const before = fresh.has(host.name) ? undefined : known.get(host.name)
        const drained = this.#memory.drains[host.name] ?? null
        return [host.name, before ? {...before, settings: host} : newRecord(host, drained)]
      }),
    )
    for (const group of [...this.#moved.keys()]) this.assessment(group)
    this.#assessments = new Map([...this.#assessments].filter(([group]) => this.group(group) !== undefined))
    this.#ungrouped.clear()
  }

  /**
   * One event of `host`. A host that was the duplicate of a name that fell silent may inherit the
   * mark: then all names of that server change in the same step, so that no judgement ever sees two
   * of them as two servers.
   */
  change(host: string, change: (record: HostRecord) => HostRecord): Changed {
    const before = this.#records.get(host)
    if (before === undefined) return {judge: [], steady: []}
    const after = this.#voided(change(before))
    this.#records.set(host, after)
    const marks = after.duplicateOf === null ? [] : inherited(after, this.records())
    const units = this.#unitsOf([host, ...this.#mark(marks)])
    if (this.#deps.isThorough || marks.length > 0) return {judge: units, steady: []}
    const {true: steady = [], false: judge = []} = Object.groupBy(
      units,
      (unit) => `${this.#takeShortWay(unit, {host, before, after})}` as const,
    )
    return {judge, steady}
  }

  /** Takes in a step of a group that is steady, at a cost that does not grow with the group. */
  #takeShortWay(unit: Unit, step: Step): boolean {
    const past = unit.kind === 'group' ? this.#assessments.get(unit.name) : undefined
    if (unit.kind !== 'group' || past === undefined) return false
    if (!isSteady(past, step, this.#settings.followers.maxAgeMs, this.#deps.clock.now())) return false
    const moved = this.#moved.get(unit.name) ?? nothingMoved()
    this.#moved.set(unit.name, moved)
    move(moved, past, step)
    return true
  }

  /** Names of one server are marked, or no longer are: all in one step. */
  mark(marks: Marks): readonly Unit[] {
    return this.#unitsOf(this.#mark(marks))
  }

  remember(memory: Memory): void {
    this.#memory = memory
    for (const [host, record] of this.#records)
      this.#records.set(host, {...record, drained: memory.drains[host] ?? null})
  }

  /**
   * A suspended machine stops its monotonic clock, so that yesterday's answers look fresh; only the
   * wall clock tells. `true`: it jumped, and every answer before now is void.
   */
  hasClockJumped(): boolean {
    const {clock} = this.#deps
    const offset = clock.wall() - clock.now()
    const jumped = Math.abs(offset - this.#wallOffset) > this.#settings.probe.maxAgeMs
    this.#wallOffset = offset
    if (!jumped) return false
    this.#voidBefore = clock.now()
    for (const [host, record] of this.#records) this.#records.set(host, this.#voided(record))
    return true
  }

  /** Judged with an answer that has gone stale since. */
  expired(): readonly Unit[] {
    const now = this.#deps.clock.now()
    // Kept until something is judged: every request asks, and there may be hundreds of groups.
    this.#freshUntil ??= Math.min(...this.units.map((unit) => this.#freshUntilOf(unit)))
    return now > this.#freshUntil ? this.units.filter((unit) => now > this.#freshUntilOf(unit)) : []
  }

  /** Judges these units as of now; returns what changed of the verdicts. */
  judge(units: readonly Unit[]): readonly Change[] {
    const now = this.#deps.clock.now()
    this.#freshUntil = null
    return units.flatMap((unit) => {
      if (unit.kind === 'group') return this.#judgeGroup(unit.name, now)
      const record = this.#records.get(unit.host)
      if (record) this.#ungrouped.set(unit.host, viewUngrouped(record, now, this.#settings.probe.maxAgeMs))
      return []
    })
  }

  #judgeGroup(name: string, now: number): readonly Change[] {
    const group = this.group(name)
    if (group === undefined) return []
    const {probe, followers} = this.#settings
    const before = this.assessment(name)
    const past: GroupPast = {
      state: before?.state,
      memory: this.#memory.groups[name] ?? blankMemory,
      notes: before?.notes ?? noNotes,
      held: before?.held ?? {},
      joining: this.#membership.joining(name),
    }
    const records = group.hosts.flatMap((host) => this.#records.get(host) ?? [])
    const limits = {maxAgeMs: probe.maxAgeMs, followersMaxAgeMs: followers.maxAgeMs}
    const moment = {now, wall: this.#deps.clock.wall()}
    const sources = this.#deps.sourcesOf(name)
    // What was configured is shown, required or not.
    const shown = Object.keys(sources).filter((source) => !isOwn(source))
    const after = assessGroup({group, records, past, sources, shown, limits, ...moment})
    this.#assessments.set(name, after)
    if (JSON.stringify(after.memory) !== JSON.stringify(past.memory))
      this.#memory = {...this.#memory, groups: {...this.#memory.groups, [name]: after.memory}}
    return after.changes
  }

  #freshUntilOf(unit: Unit): number {
    if (unit.kind === 'group') return this.#assessments.get(unit.name)?.freshUntil ?? Number.POSITIVE_INFINITY
    const [member] = this.#ungrouped.get(unit.host)?.members ?? []
    if (member === undefined || member.condition.role === 'unavailable') return Number.POSITIVE_INFINITY
    return (member.askedAt ?? 0) + this.#settings.probe.maxAgeMs
  }

  #mark(marks: Marks): readonly string[] {
    return marks.flatMap(([name, duplicateOf]) => {
      const record = this.#records.get(name)
      if (record === undefined || record.duplicateOf === duplicateOf) return []
      this.#records.set(name, {...record, duplicateOf})
      return [name]
    })
  }

  #unitsOf(hosts: readonly string[]): readonly Unit[] {
    const [only] = hosts
    return hosts.length === 1 && only !== undefined
      ? this.unitsOf(only)
      : [...new Set(hosts.flatMap((host) => this.unitsOf(host)))]
  }

  #voided(record: HostRecord): HostRecord {
    const {observation} = record
    if (observation === null || observation.askedAt >= this.#voidBefore) return record
    const askedAt = Math.min(observation.askedAt, this.#voidBefore - this.#settings.probe.maxAgeMs - 1)
    return {...record, observation: {...observation, askedAt}}
  }
}
