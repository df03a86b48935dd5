import {Attention} from '../../core/evidence/attention.ts'
import type {EvidenceSource, SourceAnswer} from '../../core/evidence/evidence-source.ts'
import type {OpenSql, SqlAnswer} from '../../core/evidence/sql-session.ts'
import type {GroupView, Member} from '../../core/facts/group-view.ts'
import type {NodeTables} from '../../core/ha-tools/repmgr.ts'
import {nodeOfHost} from '../../core/ha-tools/repmgr.ts'
import {type Clock, isFailure, type Log, type Random} from '../../core/ports.ts'
import type {HostSettings, ProbeSettings, RepmgrSettings} from '../../core/settings.ts'
import {SqlWatch} from '../../sql/sql-watch.ts'
import {assessRepmgr} from './rules.ts'
import {activePrimaries, electorateOf, type Reading, rowsFrom, rowsOf, tableSql} from './table.ts'
import {unreadable} from './unreadable.ts'

export type RepmgrSourceDeps = Readonly<{
  group: string
  hosts: readonly HostSettings[]
  settings: RepmgrSettings
  probe: ProbeSettings
  followersMaxAgeMs: number
  /** Opens sessions in the database of repmgr on a host. */
  open: (host: HostSettings) => OpenSql
  clock: Clock
  random: Random
  log: Log
  /** Told of each table. Absent: they are of no use to others. */
  tables?: Pick<NodeTables, 'note'>
}>

/**
 * Source `repmgr` of one group: reads `repmgr.nodes` on each of its hosts, and answers by rules M1 to M6.
 * A table that was read stays in force until it is too old, also when its session ends: that is no
 * dissent. What the role may not read counts as unreadable at once.
 */
export class RepmgrSource implements EvidenceSource {
  readonly name = 'repmgr'
  readonly #deps: RepmgrSourceDeps
  readonly #readings = new Map<string, Reading>()
  readonly #watches = new Map<string, SqlWatch>()
  readonly #complaints = new Map<string, string>()
  readonly #few = new Map<string, number>()
  #changed: ((group: string) => void) | null = null
  readonly #attention = new Attention()

  constructor(deps: RepmgrSourceDeps) {
    this.#deps = deps
    for (const host of deps.hosts) {
      const asking = {
        text: tableSql(deps.settings.schema),
        open: deps.open(host),
        intervalMs: () => this.#intervalMs(),
        heard: (answer: SqlAnswer) => this.#heard(host, answer),
      }
      this.#watches.set(host.name, new SqlWatch({...asking, clock: deps.clock, random: deps.random}))
    }
  }

  assess(leader: Member, view: GroupView): SourceAnswer {
    const {settings, probe, followersMaxAgeMs} = this.#deps
    const limits = {maxAgeMs: probe.maxAgeMs, followersMaxAgeMs}
    const answer = assessRepmgr({leader, view, readings: this.#readings, settings, limits})
    const isNew = this.#attention.look(leader, answer.answer, view.now)
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

  #heard(host: HostSettings, {askedAt, outcome}: SqlAnswer): 'answered' | 'failed' | 'blind' {
    if (!isFailure(outcome)) {
      this.#read(host, {kind: 'table', askedAt, rows: rowsFrom(outcome)})
      return 'answered'
    }
    const {detail, isBlind} = unreadable(outcome, host, this.#deps.settings)
    this.#read(host, {kind: 'unreadable', askedAt, detail, isBlind})
    return isBlind ? 'blind' : 'failed'
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
    if (!this.#attention.hasLookedAt(host)) return
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
    return this.#attention.isFast(clock.now()) ? probe.fastIntervalMs : probe.intervalMs
  }
}

const namedBy = (reading: Reading) =>
  reading.kind === 'table' ? {names: activePrimaries(reading.rows), askedAt: reading.askedAt} : null

const meaningOf = (reading: Reading): string => JSON.stringify(reading.kind === 'table' ? reading.rows : reading.detail)
