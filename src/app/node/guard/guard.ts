import type {Fence} from '../../../actuators/guard/fence.ts'
import {type GateOutcome, type GateServer, HbaGate, sameGates} from '../../../actuators/guard/gate.ts'
import {beginning, type Decision, denied, type GuardRule, type Held} from '../../../actuators/guard/plan.ts'
import {isContested, type Rewrites, rewritten} from '../../../actuators/guard/rewrites.ts'
import type {GuardSite} from '../../../config/guard-site.ts'
import type {Gates, GuardSettings} from '../../../core/node/guard-settings.ts'
import type {Clock, Log, SnapshotSource} from '../../../core/ports.ts'
import {deadline} from '../../../core/wait.ts'
import type {WireGate} from '../../../protocol/view-json.ts'
import type {Word} from '../../../sources/peer/vote.ts'
import {decideNow} from './decide-now.ts'
import {GuardState} from './guard-state.ts'
import {twinsOf} from './others.ts'
import {standingOf} from './standing.ts'

export type GuardParts = Readonly<{
  site: GuardSite
  source: Pick<SnapshotSource, 'current'>
  /** What neighbours and the witness said last, by URL. */
  words: () => ReadonlyMap<string, Word>
  server: GateServer
  /** Every host and every neighbour was asked once. */
  isSettled: () => boolean
  fence: Fence
  /** SIGINT to the server of this host. */
  stopServer: () => Promise<'stopping' | 'not-running' | 'failed'>
  clock: Clock
  log: Log
  machineId: string | null
}>

/**
 * The passes of the guard, one at a time. Each pass decides from the latest snapshot, which is never older
 * than the lease allows, and has ended only when the file says so and the server was told.
 */
export class Guard {
  readonly state: GuardState
  readonly #parts: GuardParts
  readonly #settings: GuardSettings
  readonly #gate: HbaGate
  #held: Held = beginning('the guard starts')
  #rewrites: Rewrites = []
  /**
   * Users whose sessions are looked for once more: one may have come in before the reload, or SQL was away.
   */
  #again: readonly string[] = []
  /** The gates that PostgreSQL follows; `null`: not known, so one that should be shut may be open. */
  #followed: Gates | null = null
  /** Sessions from before the guard began were not looked at yet. */
  #isFirst = true
  /** PostgreSQL follows a gate that is shut for writers, and a later pass has found no session of theirs. */
  #isShut = false
  #cancelLease: () => void = () => {}

  constructor(parts: GuardParts) {
    this.#parts = parts
    this.#settings = parts.site.guard
    this.#gate = new HbaGate(this.#settings, parts.server)
    this.state = new GuardState(parts.site, parts.clock, parts.log)
  }

  /** Where the block is; `null`: PostgreSQL has not told yet. */
  get path(): string | null {
    return this.#gate.path
  }

  /**
   * What other guards are told. A gate that is about to open is no longer told as shut: of two guards that are about to
   * open, at least one must hear of the other.
   */
  get gateTold(): WireGate {
    return this.#isShut && this.#held.agreedSince === null ? 'shut' : 'open'
  }

  /** One pass. Never rejects. */
  async pass(): Promise<void> {
    const {clock, log} = this.#parts
    const {intervalMs, deadlineMs} = this.#settings
    const startedAt = clock.now()
    const decision = this.#decideOrDeny(startedAt)
    await this.carryOut(decision)
    const tookMs = clock.now() - startedAt
    if (tookMs <= intervalMs + deadlineMs) return this.state.passed()
    // What was decided before it began may be wrong by now.
    log.error({tookMs: Math.round(tookMs)}, 'a pass did not end in time, so nothing is allowed')
    this.#held = beginning('the last pass did not end in time')
    await this.carryOut(denied('G6', 'the last pass did not end in time'))
    this.state.passed()
  }

  /** The guard ends: what it allowed ends with it. */
  async end(): Promise<GateOutcome> {
    this.#cancelLease()
    return await this.carryOut(denied('G9', 'the guard ends'))
  }

  /** A bug in a decision must not leave a gate open. */
  #decideOrDeny(now: number): Decision {
    try {
      return this.#decide(now)
    } catch (error) {
      this.#parts.log.error({error: (error as Error).stack ?? String(error)}, 'bug: the guard could not decide')
      this.#held = beginning('the last pass could not decide')
      return denied('G5', 'the guard could not decide, because of a bug: see its log')
    }
  }

  #decide(now: number): Decision {
    const {site, source, words, machineId} = this.#parts
    const snapshot = source.current()
    const standing = standingOf(snapshot, site.group, site.host.name)
    this.state.own = standing.own
    this.state.tellTwins(twinsOf(words(), {epoch: snapshot.epoch, machineId}))
    const contested = 'another program changes the block of the guard again and again, so nothing is allowed'
    this.#held = isContested(this.#rewrites, now)
      ? {...beginning(contested), decision: denied('G8', contested)}
      : decideNow(site, {snapshot, standing, words: words(), held: this.#held, now})
    return this.#held.decision
  }

  /** Makes the file, the server and the fence follow. Never rejects. */
  async carryOut(decision: Decision): Promise<GateOutcome> {
    const {clock, fence} = this.#parts
    using limit = deadline(clock, this.#settings.deadlineMs)
    const before = this.#followed
    const isOpening = decision.until !== null
    if (decision.gates.readWrite === 'allow') this.#isShut = false
    if (!isOpening) this.#cancelLease()
    // The kernel shuts before the file does, and opens after it.
    const [shutTrouble] = isOpening ? [null] : [await fence.shut()]
    const outcome = await this.#gate.apply(decision.gates, limit.signal)
    if (outcome.wasRewritten) this.#wasRewritten()
    const isFollowed = outcome.problems.length === 0 && sameGates(outcome.gates, decision.gates)
    this.#followed = isFollowed ? decision.gates : null
    const trouble = isOpening && isFollowed ? await this.#renew(decision) : shutTrouble
    this.state.decided(decision, {
      ...outcome,
      problems: [...outcome.problems, ...(trouble === null ? [] : [trouble])],
    })
    const areOut = await this.#endSessions(before, decision, outcome.wasRewritten, limit.signal)
    this.#isShut = areOut && isFollowed && decision.gates.readWrite === 'deny'
    await this.#stopWhereAsked(decision, outcome)
    return outcome
  }

  /** The fence lives as long as the lease, and no longer. */
  async #renew({until}: Decision): Promise<string | null> {
    const {clock, fence, log} = this.#parts
    const leftMs = (until ?? 0) - clock.now()
    if (leftMs <= 0) return await fence.shut()
    this.#cancelLease()
    this.#cancelLease = clock.after(leftMs, () => {
      log.error({}, 'the lease of an open gate ended without a pass that renewed it')
      this.#held = beginning('the lease ended')
      this.state.expired()
      void fence.shut()
    })
    return await fence.renew(leftMs)
  }

  /**
   * Users whose gate shuts now, and by later passes until one finds no session; where SQL is away, until it is there.
   * While PostgreSQL does not follow a shut gate, who came in since is put out by each pass. Resolves to whether
   * no session is left: one that was told to end may still write, and the reload takes effect some time later.
   */
  async #endSessions(
    before: Gates | null,
    {gates, rule}: Decision,
    wasRewritten: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    // At the start, a gate that the next passes may open ends no session.
    if (this.#isFirst && (isWaiting(rule) || !this.#parts.isSettled())) return false
    const {rules, terminate} = this.#settings
    const isShutting = (gate: keyof Gates) =>
      gates[gate] === 'deny' && (this.#isFirst || before?.[gate] !== 'deny' || wasRewritten)
    const usersOf = (isMeant: (gate: keyof Gates) => boolean) => [
      ...(isMeant('readWrite') ? rules.readWrite : []),
      ...(isMeant('readOnly') ? rules.readOnly : []),
    ]
    const users = usersOf(isShutting)
    const shutOut = usersOf((gate) => gates[gate] === 'deny')
    const due = [...new Set([...users, ...this.#again.filter((user) => shutOut.includes(user))])]
    this.#isFirst = false
    // The guard leaves sessions alone, so it never knows that none is left.
    if (!terminate) return false
    if (due.length === 0) return true
    const ended = await this.#parts.server.terminate(due, signal)
    const areOut = ended === 0 && users.length === 0
    this.#again = areOut ? [] : due
    this.state.ended(ended === 'not-allowed' ? null : ended, due)
    return areOut
  }

  #wasRewritten(): void {
    const {clock, log} = this.#parts
    this.#rewrites = rewritten(this.#rewrites, clock.now())
    this.state.rewrites += 1
    log.error(
      {file: this.#gate.path},
      'another program changed the block of the guard in pg_hba.conf; the guard has put it back',
    )
  }

  /** `fence: stop`, and `on_write_failure: stop`: what is left where the gate cannot be trusted. */
  async #stopWhereAsked({gates, rule}: Decision, {hasFailed}: GateOutcome): Promise<void> {
    const {fence, onWriteFailure} = this.#settings
    if (gates.readWrite === 'allow' || this.state.own === 'standby') return
    // A deny that only waits for the first answers, a second pass or another gate deposes no primary.
    if (isWaiting(rule) || !this.#parts.isSettled()) return
    const isUnwritten = hasFailed && onWriteFailure === 'stop'
    const isDeposed = fence === 'stop' && this.state.leaseEnded() && rule !== 'G9'
    if (!isUnwritten && !isDeposed) return
    const why = isUnwritten ? 'deny cannot be written' : 'its lease ended, and no majority names it again'
    const done = await this.#parts.stopServer()
    if (done !== 'failed') this.state.serverStopped()
    if (done === 'stopping') this.#parts.log.error({}, `PostgreSQL of this host is being stopped: ${why}`)
    if (done === 'failed') this.#parts.log.error({}, `PostgreSQL of this host cannot be stopped, although ${why}`)
  }
}

const isWaiting = (rule: GuardRule): boolean => rule === 'G7' || rule === 'G10'
