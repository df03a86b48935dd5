import type {AgentAsked} from '../../core/router.ts'

/** A HAProxy that has not asked for this time is not shown. It asks every few seconds. */
const forgetMs = 60_000
/** The texts come from clients, so a client could fill the memory. */
const mostQuestions = 1_000

/** The last question of each HAProxy for each server, and its answer. */
export class AgentQuestions {
  /** In the order of the questions. */
  readonly #last = new Map<string, AgentAsked>()

  /** `askedAt`: wall clock, milliseconds. */
  note(asked: AgentAsked): void {
    const key = `${asked.client} ${asked.question}`
    this.#last.delete(key)
    this.#last.set(key, asked)
    for (const [oldest, {askedAt}] of this.#last) {
      if (this.#last.size <= mostQuestions && asked.askedAt - askedAt <= forgetMs) break
      this.#last.delete(oldest)
    }
  }

  /** By client, then by question. */
  list(wall: number): readonly AgentAsked[] {
    return [...this.#last.values()]
      .filter(({askedAt}) => wall - askedAt <= forgetMs)
      .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  }
}

const keyOf = ({client, question}: AgentAsked): string => `${client} ${question}`
