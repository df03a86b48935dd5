import type {Clock} from '../../core/ports.ts'
import {afterLimit, nap} from '../../core/wait.ts'
import {PatroniError} from '../../patroni/error.ts'
import type {PatroniMember} from '../../patroni/member.ts'
import {type MemberAnswer, memberAnswer} from './member-answer.ts'
import {isUntrusted} from './untrusted.ts'

/** After this time without an answer the member counts as silent, and its answer is waited for. */
const limitMs = 1_000
/**
 * A question is never given up: Patroni keeps the thread of a request until its PostgreSQL answers,
 * and a second request would take a second thread. A connection that is dead ends by itself.
 */
const foreverMs = 24 * 3_600_000

/** Another question to the same member, between two questions about the lock. Never rejects. */
export type Errand = (member: PatroniMember, signal: AbortSignal) => Promise<void>

export type MemberWatchDeps = Readonly<{
  /** Rejects where the certificates cannot be read, with a reason for an operator. */
  member: () => Promise<PatroniMember>
  clock: Clock
  intervalMs: number
  /** The answer is another one than before. */
  heard: () => void
  /** A certificate may have been refused, ours or its own. */
  untrusted: () => void
  /** Its answers are Patroni's: what else to ask it now; `null`: nothing. */
  errand: (answer: Extract<MemberAnswer, {kind: 'answer'}>) => Errand | null
}>

/** Asks one member for the lock, over and over, one question at a time. */
export class MemberWatch implements AsyncDisposable {
  readonly #deps: MemberWatchDeps
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  #answer: MemberAnswer
  #name: string | null = null
  #wasHeard = false
  #isAgain = false
  #wake: () => void = () => {}

  constructor(deps: MemberWatchDeps) {
    this.#deps = deps
    this.#answer = {askedAt: deps.clock.now(), kind: 'none', why: 'has not answered yet'}
    this.#ended = this.#run(this.#stop.signal)
  }

  get answer(): MemberAnswer {
    return this.#answer
  }

  /** As it told last, also while it is silent. `null`: Patroni before 3.2. */
  get name(): string | null {
    return this.#name
  }

  /** It has answered, or failed to. */
  get wasHeard(): boolean {
    return this.#wasHeard
  }

  /** Asks now; while a question is out, once it has ended: its answer may be from before. */
  hasten(): void {
    this.#isAgain = true
    this.#wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #run(signal: AbortSignal): Promise<void> {
    const {clock, intervalMs} = this.#deps
    while (!signal.aborted) {
      const askedAt = clock.now()
      this.#isAgain = false
      await this.#turn(askedAt, signal)
      const pauseMs = this.#isAgain ? 0 : Math.max(0, askedAt + intervalMs - clock.now())
      const pause = nap(clock, pauseMs, signal)
      this.#wake = pause.wake
      await pause.done
    }
  }

  async #turn(askedAt: number, signal: AbortSignal): Promise<void> {
    const why = `has not answered for ${limitMs / 1_000} s`
    const cancel = afterLimit(this.#deps.clock, limitMs, () => this.#hear({askedAt, kind: 'none', why}))
    try {
      const member = await this.#deps.member()
      const said = memberAnswer(await member.health('/leader', {timeoutMs: foreverMs, signal}), askedAt)
      cancel()
      this.#hear(said)
      const errand = said.kind === 'answer' ? this.#deps.errand(said) : null
      if (errand !== null && !signal.aborted) await errand(member, signal)
    } catch (error) {
      if (signal.aborted) return
      if (isUntrusted(error)) this.#deps.untrusted()
      this.#hear({askedAt, kind: 'none', why: reasonOf(error)})
    } finally {
      cancel()
    }
  }

  #hear(answer: MemberAnswer): void {
    const before = this.#answer
    this.#answer = answer
    this.#wasHeard = true
    if (answer.kind === 'answer') this.#name = answer.body.name ?? this.#name
    if (wordsOf(before) !== wordsOf(answer)) this.#deps.heard()
  }
}

/** Without its times: an answer that says the same again is no news. */
const wordsOf = (answer: MemberAnswer): string =>
  answer.kind === 'none' ? answer.why : JSON.stringify([answer.status, {...answer.body, dcsAgeMs: null}])

const reasons: Readonly<Record<string, string>> = {
  refused: 'refuses connections',
  timeout: 'cannot be reached in time',
  dns: 'has a name that leads nowhere',
  closed: 'closed the connection without an answer',
  tls: 'is not trusted, or does not trust us (TLS)',
}

function reasonOf(error: unknown): string {
  if (!(error instanceof PatroniError)) return `cannot be asked: ${error instanceof Error ? error.message : error}`
  return reasons[error.reason] ?? `cannot be asked: ${error.message}`
}
