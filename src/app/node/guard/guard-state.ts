import type {GateOutcome} from '../../../actuators/guard/gate.ts'
import type {Decision, GuardRule, Standing} from '../../../actuators/guard/plan.ts'
import type {GuardSite} from '../../../config/guard-site.ts'
import type {Gates} from '../../../core/node/guard-settings.ts'
import {enumerate} from '../../../core/phrases.ts'
import type {Clock, Log} from '../../../core/ports.ts'

/** A change of what the guard does. `at`: wall clock. */
export type GuardChange = Readonly<{at: number; gates: Gates | null; rule: GuardRule; why: string}>

const keptChanges = 50

/** What the guard shows of itself, and its log lines: one per change of a gate, a rule or a problem. */
export class GuardState {
  own: Standing['own'] = 'silent'
  /** Times that another program changed the block. */
  rewrites = 0
  sessionsEnded = 0
  leasesExpired = 0
  writeFailures = 0
  readonly #site: GuardSite
  readonly #clock: Clock
  readonly #log: Log
  readonly #changes: GuardChange[] = []
  readonly #twins = new Set<string>()
  #gates: Gates | null = null
  #decision: Decision | null = null
  #problems: readonly string[] = []
  #passedAt: number | null = null
  /** Monotonic: when the last lease of an open read-write gate ends. */
  #writersUntil: number | null = null
  /** It was told that sessions cannot be ended, and none could be since. */
  #isToldUnended = false

  constructor(site: GuardSite, clock: Clock, log: Log) {
    this.#site = site
    this.#clock = clock
    this.#log = log
  }

  /** What the file says; `null`: not known, or PostgreSQL does not follow it. */
  get gates(): Gates | null {
    return this.#gates
  }

  get decision(): Decision | null {
    return this.#decision
  }

  get problems(): readonly string[] {
    return this.#problems
  }

  get changes(): readonly GuardChange[] {
    return this.#changes
  }

  /** Monotonic: when the last pass ended; `null`: none has. */
  get passedAt(): number | null {
    return this.#passedAt
  }

  get leaseLeftMs(): number | null {
    const until = this.#decision?.until ?? null
    return until === null ? null : Math.max(0, until - this.#clock.now())
  }

  /** The passes go on in time: what systemd's watchdog and /livez ask. */
  isAlive(): boolean {
    const {leaseMs} = this.#site.guard
    return this.#passedAt !== null && this.#clock.now() - this.#passedAt <= leaseMs
  }

  passed(): void {
    this.#passedAt = this.#clock.now()
  }

  decided(decision: Decision, {gates, problems, hasFailed}: GateOutcome): void {
    const before = this.#decision
    const isChanged =
      before === null ||
      before.rule !== decision.rule ||
      textOf(this.#gates) !== textOf(gates) ||
      before.why !== decision.why
    this.#gates = gates
    this.#decision = decision
    if (gates?.readWrite === 'allow') this.#writersUntil = decision.until
    if (hasFailed) this.writeFailures += 1
    this.#tellProblems(problems)
    if (!isChanged) return
    const {rule, why} = decision
    const isSameRule = before?.rule === rule && textOf(before.gates) === textOf(decision.gates)
    if (isSameRule) return
    this.#changes.push({at: this.#clock.wall(), gates, rule, why})
    this.#changes.splice(0, this.#changes.length - keptChanges)
    const fields = {host: this.#site.host.name, rule, ...gatesOf(gates)}
    const isQuiet = ['G1', 'G2', 'G7', 'G10'].includes(rule)
    this.#log[isQuiet ? 'info' : 'warn'](fields, `guard: ${textOf(gates)}: ${why}`)
  }

  /** Neighbours with the identifier of this machine: each is told once. */
  tellTwins(names: readonly string[]): void {
    for (const name of names.filter((one) => !this.#twins.has(one))) {
      this.#twins.add(name)
      const text = `guard: ${name} has the machine-id of this host, so both have one vote`
      const same = `If ${name} runs on this machine, as a witness may, move it to a machine of its own.`
      const clone = 'If it is a clone, run there: rm /etc/machine-id && systemd-machine-id-setup, then start its guard.'
      this.#log.error({host: this.#site.host.name}, `${text}. ${same} ${clone}`)
    }
  }

  expired(): void {
    this.leasesExpired += 1
  }

  /** `count`: `null`: the sessions could not be ended. */
  ended(count: number | null, users: readonly string[]): void {
    if (count === null) {
      const text = `sessions of ${enumerate(users)} could not be ended: SQL is away, or the right is missing`
      if (!this.#isToldUnended && this.own !== 'silent') {
        this.#isToldUnended = true
        this.#log.warn({host: this.#site.host.name}, `guard: ${text}`)
      }
      return
    }
    this.#isToldUnended = false
    this.sessionsEnded += count
    if (count > 0) this.#log.warn({host: this.#site.host.name}, `guard: ended ${count} sessions of ${enumerate(users)}`)
  }

  /** Writers were let in, and the lease of that has ended. */
  leaseEnded(): boolean {
    return this.#writersUntil !== null && this.#clock.now() >= this.#writersUntil
  }

  serverStopped(): void {
    this.#writersUntil = null
  }

  #tellProblems(problems: readonly string[]): void {
    const fresh = problems.filter((problem) => !this.#problems.includes(problem))
    const host = this.#site.host.name
    for (const problem of fresh) this.#log.error({host}, `guard: ${problem}`)
    if (problems.length === 0 && this.#problems.length > 0)
      this.#log.info({host}, 'guard: PostgreSQL follows pg_hba.conf of the guard again')
    this.#problems = problems
  }
}

const textOf = (gates: Gates | null): string =>
  gates === null ? 'gates unknown' : `writers ${gates.readWrite}, readers ${gates.readOnly}`

const gatesOf = (gates: Gates | null) =>
  gates === null ? {} : {read_write: gates.readWrite, read_only: gates.readOnly}
