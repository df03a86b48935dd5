import type {EvidenceSource, SourceAnswer} from '../../core/evidence/evidence-source.ts'
import type {GroupView, Member} from '../../core/facts/group-view.ts'
import type {Clock, Log, Random} from '../../core/ports.ts'
import type {NodeTables} from '../../core/repmgr.ts'
import {nodeOfHost} from '../../core/repmgr.ts'
import type {HostSettings, ProbeSettings, RepmgrSettings} from '../../core/settings.ts'
import {assessRepmgr} from './rules.ts'
import {activePrimaries, electorateOf, type Reading, rowsOf} from './table.ts'
import {type OpenTable, TableWatch} from './table-watch.ts'

export type RepmgrSourceDeps = Readonly<{
  group: string
  hosts: readonly HostSettings[]
  settings: RepmgrSettings
  probe: ProbeSettings
  followersMaxAgeMs: number
  open: (host: HostSettings) => OpenTable
  clock: Clock
  random: Random
  log: Log
  /** Told of each table. Absent: they are of no use to others. */
  tables?: Pick<NodeTables, 'note'>
}>

/** After a promotion the tables change within seconds: they are read fast, for this long at most. */
const longestFastMs = 60_000

/**
 * Source `repmgr` of one group: reads `repmgr.nodes` on each of its hosts, and answers by rules M1 to M6.
 * A table that was read stays in force until it is too old, also when its session ends: that is no
 * dissent. What the role may not read counts as unreadable at once.
 */
export class RepmgrSource implements EvidenceSource {
  readonly name = 'repmgr'
  readonly #deps: RepmgrSourceDeps
  readonly #readings = new Map<string, Reading>()
  readonly #watches = new Map<string, TableWatch>()
  readonly #complaints = new Map<string, string>()
  readonly #few = new Map<string, number>()
  #changed: ((group: string) => void) | null = null
  /**
   * By primary that was asked about: its timeline, and since when it was not confirmed (`null`: it is).
   * Several rivals may be asked about in turn.
   */
  readonly #subjects = new Map<string, Readonly<{timeline: number | null; unsettledSince: number | null}>>()

  constructor(deps: RepmgrSourceDeps) {
    this.#deps = deps
    for (const host of deps.hosts) {
      const read = (reading: Reading) => this.#read(host, reading)
      const intervalMs = () => this.#intervalMs()
      this.#watches.set(host.name, new TableWatch({...deps, host, open: deps.open(host), read, intervalMs}))
    }
  }

  assess(leader: Member, view: GroupView): SourceAnswer {
    const {settings, probe, followersMaxAgeMs} = this.#deps
    const limits = {maxAgeMs: probe.maxAgeMs, followersMaxAgeMs}
    const answer = assessRepmgr({leader, view, readings: this.#readings, settings, limits})
    const {host, timeline} = leader
    const before = this.#subjects.get(host)
    const isNew = before?.timeline !== timeline
    const since = isNew ? view.now : (before.unsettledSince ?? view.now)
    this.#subjects.set(host, {timeline, unsettledSince: answer.answer === 'confirms' ? null : since})
    if (isNew) for (const watch of this.#watches.values()) watch.hasten()
    return answer
  }

  subscribe(changed: (group: string) => void): () => void {
    this.#changed = changed
    return () => {
      this.#changed = null
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#watches.values()].map((watch) => watch.stop()))
  }

  #read(host: HostSettings, reading: Reading): void {
    const {group} = this.#deps
    const before = this.#readings.get(host.name)
    this.#complain(host.name, reading)
    if (reading.kind === 'unreadable' && !reading.isBlind && this.#isInForce(before)) return
    this.#readings.set(host.name, reading)
    this.#deps.tables?.note(group, host.name, namedBy(reading))
    this.#warnOfFew(host.name)
    if (before === undefined || meaningOf(before) !== meaningOf(reading)) this.#changed?.(group)
  }

  #isInForce(reading: Reading | undefined): boolean {
    const {clock, probe} = this.#deps
    return reading?.kind === 'table' && clock.now() - reading.askedAt <= probe.maxAgeMs
  }

  /** Once per reason: what the operator has to grant or correct. */
  #complain(host: string, reading: Reading): void {
    const {log, group} = this.#deps
    const complaint = reading.kind === 'unreadable' && reading.isBlind ? reading.detail : null
    if (complaint === null && reading.kind === 'unreadable') return
    const before = this.#complaints.get(host) ?? null
    if (complaint === before) return
    if (complaint === null) {
      this.#complaints.delete(host)
      log.info({group, host}, `${host}: the table of repmgr can be read`)
    } else {
      this.#complaints.set(host, complaint)
      log.warn({group, host}, `${host}: repmgr cannot be asked: ${complaint}`)
    }
  }

  /** Without three voters the loss of one stops writes. Told once per primary and number. */
  #warnOfFew(host: string): void {
    const {log, group, settings} = this.#deps
    if (!this.#subjects.has(host)) return
    const reading = this.#readings.get(host)
    const [row] = reading?.kind === 'table' ? rowsOf(reading.rows, nodeOfHost(settings, host)) : []
    if (reading?.kind !== 'table' || row === undefined) return
    const {length} = electorateOf(reading.rows, row)
    if (length >= 3 || this.#few.get(host) === length) return
    this.#few.set(host, length)
    const nodes = `${length} data ${length === 1 ? 'node' : 'nodes'}`
    log.warn(
      {group, host},
      `repmgr has ${nodes} in location ${row.location}: a vote needs three, and a witness has none`,
    )
  }

  #intervalMs(): number {
    const {probe, clock} = this.#deps
    const isFast = [...this.#subjects.values()].some(
      ({unsettledSince}) => unsettledSince !== null && clock.now() - unsettledSince < longestFastMs,
    )
    return isFast ? probe.fastIntervalMs : probe.intervalMs
  }
}

const namedBy = (reading: Reading) =>
  reading.kind === 'table' ? {names: activePrimaries(reading.rows), askedAt: reading.askedAt} : null

const meaningOf = (reading: Reading): string => JSON.stringify(reading.kind === 'table' ? reading.rows : reading.detail)
