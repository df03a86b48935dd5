import type {Clock, HostSession} from '../../core/ports.ts'
import {deadline} from '../../core/wait.ts'
import type {Board} from '../board.ts'
import {marked, mayBeSame, provenSame} from './duplicates.ts'

/** The part of a host's watch that is needed: its session, and how to have it opened anew. */
type Watch = Readonly<{session: HostSession | null; renew(): void}>

/**
 * Keeps the marks of names that lead to one server. Two names of one primary would look like two
 * primaries, and a split brain sticks.
 */
export class DuplicateMarks {
  readonly #board: Board
  readonly #clock: Clock
  readonly #watches: ReadonlyMap<string, Watch>
  readonly #doubted = new Set<string>()

  constructor(board: Board, clock: Clock, watches: ReadonlyMap<string, Watch>) {
    this.#board = board
    this.#clock = clock
    this.#watches = watches
  }

  /**
   * Before anything is asked through a new session: is its server known by another name? Two names
   * of one primary would look like two primaries.
   */
  async opened(name: string, session: HostSession, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const others = [...this.#watches].flatMap(([other, {session}]) =>
      other !== name && session ? [{name: other, session}] : [],
    )
    using limit = deadline(this.#clock, timeoutMs, signal)
    const proven = await provenSame({name, session}, others, limit.signal)
    if (signal.aborted) return
    for (const other of others) {
      const isMarked = this.#board.record(other.name)?.duplicateOf === name
      if (isMarked && (proven === null || !mayBeSame(session.facts, other.session.facts)))
        this.#doubt(other.name, other.name)
    }
    const same = proven ?? this.#awaited(name, session)
    const before = this.#board.record(name)?.duplicateOf ?? null
    if (same === null && before !== null && this.#board.record(before)?.observation?.kind === 'facts')
      return this.#doubt(name, before)
    this.#doubted.delete(name)
    if (same === null) return this.#board.mark([[name, null]])
    const root = this.#board.record(same)?.duplicateOf ?? same
    if (root === name) return
    const order = this.#board.records().map(({settings}) => settings.name)
    // The name that answers already stays the one that is shown: were it marked before the other
    // one has answered, a primary would be out of sight.
    const isFirst = this.#board.record(root)?.observation?.kind !== 'facts' && order.indexOf(name) < order.indexOf(root)
    const [first, second] = isFirst ? [name, root] : [root, name]
    this.#board.mark(marked(first, second, this.#board.records()))
  }

  /**
   * The mark of `name` is no longer proven: the server restarted and one of the two has not noticed
   * yet, or one of them leads elsewhere now. `again` is opened anew, so that both are asked since;
   * without proof then, the mark goes.
   */
  #doubt(name: string, again: string): void {
    if (this.#doubted.delete(name)) {
      this.#board.mark([[name, null]])
    } else {
      this.#doubted.add(name)
      this.#watches.get(again)?.renew()
    }
  }

  /**
   * A name whose session was closed a moment ago, and whose last answer came from the same start of
   * the same server - or from this one before both were closed by a restart. Nothing can be proven
   * through it until it is back, and until then the two must not be shown as two.
   */
  #awaited(name: string, {facts}: HostSession): string | null {
    const before = this.#board.record(name)?.duplicateOf
    const isAwaited = (other: string) => {
      const last = this.#board.record(other)?.observation
      return last?.kind === 'facts' && (other === before || mayBeSame(facts, last.session))
    }
    return (
      [...this.#watches].find(([other, {session}]) => other !== name && session === null && isAwaited(other))?.[0] ??
      null
    )
  }
}
