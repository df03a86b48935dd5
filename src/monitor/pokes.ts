import {OperatorError} from '../core/errors.ts'
import type {HostRecord} from '../core/facts/host-record.ts'
import type {Clock, Poked} from '../core/ports.ts'
import {causeOf} from '../core/snapshot.ts'
import {sleep} from '../core/wait.ts'
import type {Board} from './board.ts'
import type {HostWatch} from './host-watch.ts'
import {known} from './orders.ts'

/** A host that hangs keeps the operator waiting for no longer; commands give up after 10 s. */
const limitMs = 5_000

type Waiting = Readonly<{host: string; since: number; done: () => void}>

/** Probes that were ordered, and who waits for them. */
export class Pokes {
  readonly #waiting = new Set<Waiting>()
  readonly #stop = new AbortController()

  /** Nothing is waited for any longer. */
  end(): void {
    this.#stop.abort()
  }

  /** Something is known of `host` that was not. */
  updated(host: string, record: HostRecord | undefined): void {
    for (const each of this.#waiting)
      if (each.host === host && (record?.observation?.askedAt ?? 0) >= each.since) each.done()
  }

  /**
   * Probes `host` at once. Resolves when a question was answered, or failed, that was sent after this
   * call; at the latest after five seconds. Throws OperatorError where there is no such host.
   */
  async poke(
    host: string,
    {board, clock, watch}: Readonly<{board: Board; clock: Clock; watch: HostWatch | undefined}>,
  ): Promise<Poked> {
    known(host, board)
    const answered = new AbortController()
    const waiting = {host, since: clock.now(), done: () => answered.abort()}
    this.#waiting.add(waiting)
    watch?.poke()
    await sleep(clock, limitMs, AbortSignal.any([answered.signal, this.#stop.signal]))
    this.#waiting.delete(waiting)
    const state = board.current().hosts[host]
    if (state === undefined)
      throw new OperatorError('UNKNOWN_HOST', `${host} has left the configuration`, 'Poke another host.')
    const cause = causeOf(state)
    const now =
      cause === null
        ? `${host} is ${state.role === 'primary' ? 'a primary' : 'a standby'}`
        : `${host} is unavailable (${cause})`
    return {
      role: state.role,
      cause,
      done: answered.signal.aborted ? now : `${now}, and has not answered this probe within ${limitMs / 1_000} s`,
    }
  }
}
