import {Attention} from '../../core/evidence/attention.ts'
import type {EvidenceSource, SourceAnswer} from '../../core/evidence/evidence-source.ts'
import type {OpenSql, SqlAnswer} from '../../core/evidence/sql-session.ts'
import type {GroupView, Member} from '../../core/facts/group-view.ts'
import {type Clock, isFailure, type Log, type Random} from '../../core/ports.ts'
import type {PgafSettings, ProbeSettings} from '../../core/settings.ts'
import {SqlWatch} from '../../sql/sql-watch.ts'
import {nodesFrom, nodesSql} from './formation.ts'
import {assessPgaf, type PgafReading} from './rules.ts'
import {unreadable} from './unreadable.ts'

export type PgafSourceDeps = Readonly<{
  group: string
  settings: PgafSettings
  probe: ProbeSettings
  /** Opens sessions on the monitor. */
  open: OpenSql
  clock: Clock
  random: Random
  log: Log
}>

/**
 * Source `pgaf` of one group: asks the monitor of pg_auto_failover, and answers by rules F1 to F5. What
 * the monitor said stays in force until it is too old, also when the session ends.
 */
export class PgafSource implements EvidenceSource {
  readonly name = 'pgaf'
  readonly #deps: PgafSourceDeps
  readonly #watch: SqlWatch
  readonly #attention = new Attention()
  #reading: PgafReading | null = null
  #complaint: string | null = null
  #changed: ((group: string) => void) | null = null

  constructor(deps: PgafSourceDeps) {
    const {open, clock, random, settings, probe} = deps
    this.#deps = deps
    this.#watch = new SqlWatch({
      text: nodesSql(settings),
      open,
      clock,
      random,
      intervalMs: () => (this.#attention.isFast(clock.now()) ? probe.fastIntervalMs : probe.intervalMs),
      heard: (answer) => this.#heard(answer),
    })
  }

  assess(leader: Member, view: GroupView): SourceAnswer {
    const {settings, probe} = this.#deps
    const answer = assessPgaf({leader, view, reading: this.#reading, settings, maxAgeMs: probe.maxAgeMs})
    if (this.#attention.look(leader, answer.answer, view.now)) this.#watch.hasten()
    return answer
  }

  subscribe(changed: (group: string) => void): () => void {
    this.#changed = changed
    return () => {
      this.#changed = null
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch.stop()
  }

  #heard({askedAt, outcome}: SqlAnswer): 'answered' | 'failed' | 'blind' {
    if (!isFailure(outcome)) {
      this.#complain(null)
      this.#take({kind: 'nodes', askedAt, nodes: nodesFrom(outcome)})
      return 'answered'
    }
    const {detail, isBlind} = unreadable(outcome, this.#deps.settings)
    if (isBlind) this.#complain(detail)
    if (isBlind || !this.#isInForce()) this.#take({kind: 'unreadable', askedAt, detail})
    return isBlind ? 'blind' : 'failed'
  }

  #isInForce(): boolean {
    const {clock, probe} = this.#deps
    return this.#reading?.kind === 'nodes' && clock.now() - this.#reading.askedAt <= probe.maxAgeMs
  }

  #take(reading: PgafReading): void {
    const before = this.#reading
    this.#reading = reading
    if (before === null || meaningOf(before) !== meaningOf(reading)) this.#changed?.(this.#deps.group)
  }

  /** Once per reason: what the operator has to grant or correct. */
  #complain(complaint: string | null): void {
    if (complaint === this.#complaint) return
    this.#complaint = complaint
    const {log, group} = this.#deps
    if (complaint === null) log.info({group}, `${group}: the monitor of pg_auto_failover can be asked`)
    else log.warn({group}, `${group}: pg_auto_failover cannot be asked: ${complaint}`)
  }
}

/** Without the age of a report, which changes with every answer. */
const meaningOf = (reading: PgafReading): string =>
  reading.kind === 'nodes' ? JSON.stringify(reading.nodes.map(({reportAgeMs: _, ...node}) => node)) : reading.detail
