import type {Answer} from './simulated-driver.ts'
import type {SimulatedServer} from './simulated-server.ts'
import {type History, holdsBeyond, openOf} from './wal.ts'

/** An answer that counts. `number`: the timeline that it told, and not lower than before. */
type Described = Readonly<{server: SimulatedServer; number: number; answer: Answer}>
/** An operator accepted another server: `overruled` are the writers of which it knew then. */
type Word = Readonly<{accepted: SimulatedServer; history: History; overruled: Set<string>}>

/** What the answers of this monitor's memory described. */
class Books {
  /** By writer of the last segment: the furthest that any server was. */
  timelines = new Map<symbol, Described>()
  /** By server and number: what a primary had written, until it streams again. */
  writers = new Map<string, Described>()
  /** The same, until it is seen as a standby. */
  own = new Map<string, Described>()
  /** By server: where a standby was last, until the primaries of its number were asked after it. */
  standbys = new Map<string, Described>()
  readonly measured = new WeakSet<Answer>()
  /** By server and number: what a primary was seen to lack. */
  lost = new Map<string, string>()
  /** By writer: up to where an operator overruled. */
  excused = new Map<symbol, number>()
  /** Numbers, and writers of a number, that mean nothing since. */
  voids = new Set<string>()
  words: Word[] = []

  copy(): Books {
    const copy = new Books()
    copy.timelines = new Map(this.timelines)
    copy.writers = new Map(this.writers)
    copy.own = new Map(this.own)
    copy.standbys = new Map(this.standbys)
    copy.lost = new Map(this.lost)
    copy.excused = new Map(this.excused)
    copy.voids = new Set(this.voids)
    copy.words = this.words.map((word) => ({...word, overruled: new Set(word.overruled)}))
    return copy
  }
}

const keyOf = ({server, number}: Described) => `${server.name} on ${number}`

/**
 * The ground truth about commits. It knows what each server held when it answered, and so whether a
 * route leaves commits behind. It demands no more than positions can tell: of two standbys' worth of
 * WAL with one number, the shorter one is not seen.
 */
export class Oracle {
  #books = new Books()
  /** By server: the highest number that a standby told since this start of its postmaster. */
  #reached = new Map<string, Readonly<{startedAt: number; number: number}>>()

  /** Takes in what servers of our cluster answer now. */
  learn(speaking: readonly Readonly<{server: SimulatedServer; answer: Answer}>[]): void {
    const described = speaking.map(({server, answer}) => this.#described(server, answer))
    const [primaries, standbys] = [described.filter(isPrimary), described.filter((one) => !isPrimary(one))]
    for (const standby of standbys) {
      this.#demoted(standby)
      this.#books.standbys.set(standby.server.name, standby)
    }
    for (const primary of primaries) this.#measure(primary)
    this.#drop(primaries)
    for (const each of described) {
      const {writer} = openOf(each.answer.history)
      const before = this.#books.timelines.get(writer)
      if (before === undefined || holds(each, before, this.#books.excused) || each.number > before.number)
        if (!this.#isVoid(each)) this.#books.timelines.set(writer, each)
    }
    for (const primary of primaries) {
      this.#books.writers.set(keyOf(primary), primary)
      this.#books.own.set(keyOf(primary), primary)
      this.#books.standbys.delete(primary.server.name)
      if (primary.answer.startedAt === primary.server.startedAt) primary.server.isHeldBack = false
    }
  }

  /** Why writes must not go to `server`, which answered this last; `null`: nothing is known. */
  against(server: SimulatedServer, answer: Answer, isFresh: (other: Answer) => boolean): string | null {
    const {timelines, writers, lost, words, excused} = this.#books
    const routed = {server, number: answer.facts.timeline ?? 0, answer}
    const when = (other: Described) => (isFresh(other.answer) ? 'ahead and fresh' : 'ahead and seen before')
    const lacks = (other: Described) => holds(other, routed, excused)
    const higher = [...timelines.values()].find((other) => other.number > routed.number && lacks(other))
    if (higher) return `${when(higher)}: ${keyOf(higher)}`
    const second = [...writers.values()].find(
      (other) => other.number === routed.number && other.server !== server && lacks(other),
    )
    if (second) return `${when(second)}: ${second.server.name} wrote on ${second.number} too`
    const loss = lost.get(keyOf(routed))
    if (loss !== undefined) return loss
    const word = words.find(({overruled, history}) => {
      return overruled.has(keyOf(routed)) && holdsBeyond(history, answer.history, new Map())
    })
    return word ? `overruled for ${word.accepted.name}` : null
  }

  /** An operator accepts `server`: what exists now counts for nothing. Call the result to undo it. */
  accepted(server: SimulatedServer, answer: Answer | null, servers: readonly SimulatedServer[]): () => void {
    const before = this.#books
    const books = before.copy()
    this.#books = books
    const number = answer?.facts.timeline ?? 0
    const others = [...books.writers.values()].filter((one) => one.server !== server && one.number >= number)
    for (const one of others) books.voids.add(keyOf(one))
    for (const one of books.timelines.values()) if (one.server !== server) books.voids.add(`${one.number}`)
    const own = openOf(server.history)
    for (const {history} of servers) for (const {writer} of history) books.excused.set(writer, Number.POSITIVE_INFINITY)
    books.excused.set(own.writer, own.upTo)
    for (const {overruled} of books.words)
      for (const key of overruled) if (key.startsWith(`${server.name} on `)) overruled.delete(key)
    if (answer)
      books.words.push({accepted: server, history: answer.history, overruled: new Set(others.map((one) => keyOf(one)))})
    for (const map of [books.timelines, books.writers, books.own, books.lost]) map.clear()
    return () => {
      this.#books = before
    }
  }

  /** The monitor starts again. Moments end with the process, the rest with its memory. */
  restarted(remembering: boolean): void {
    this.#reached.clear()
    if (!remembering) this.#books = new Books()
    this.#books.standbys.clear()
  }

  #described(server: SimulatedServer, answer: Answer): Described {
    const told = answer.facts.timeline ?? 0
    if (!answer.facts.inRecovery) return {server, number: told, answer}
    const before = this.#reached.get(server.name)
    const number = before?.startedAt === answer.startedAt ? Math.max(before.number, told) : told
    this.#reached.set(server.name, {startedAt: answer.startedAt, number})
    return {server, number, answer}
  }

  /** A number that an operator overruled cannot be told from the same number once more. */
  #isVoid(one: Described): boolean {
    const {voids} = this.#books
    return isPrimary(one) ? voids.has(keyOf(one)) : voids.has(`${one.number}`)
  }

  /** What a primary was told to have is over once it is a standby. */
  #demoted({server, answer}: Described): void {
    const isStreaming = answer.facts.receiver?.status === 'streaming'
    const {own, lost, writers, words} = this.#books
    const prefix = `${server.name} on `
    for (const map of [own, lost]) for (const key of map.keys()) if (key.startsWith(prefix)) map.delete(key)
    if (!isStreaming) return
    for (const key of writers.keys()) if (key.startsWith(prefix)) writers.delete(key)
    for (const word of words) {
      if (word.accepted === server) word.overruled.clear()
      for (const key of word.overruled) if (key.startsWith(prefix)) word.overruled.delete(key)
    }
  }

  /** What one writer of a number had is its own to lose: another one of that number is a rival. */
  #drop(primaries: readonly Described[]): void {
    const {standbys, measured} = this.#books
    for (const {number, answer} of standbys.values()) {
      const measuring = primaries.filter((primary) => primary.number === number)
      if (measuring.length > 0 && measuring.every((primary) => isBefore(answer, primary))) measured.add(answer)
    }
  }

  /** Did it have, or did a standby have before it was asked, what it lacks now? */
  #measure(primary: Described): void {
    const {standbys, measured, own, excused, lost} = this.#books
    const had = own.get(keyOf(primary))
    const shown = [...standbys.values()].filter(
      ({server, number, answer}) =>
        server !== primary.server && number === primary.number && isBefore(answer, primary) && !measured.has(answer),
    )
    const ahead = [...(had ? [had] : []), ...shown].find(
      (other) => isFurther(other, primary) && holds(other, primary, excused),
    )
    if (ahead !== undefined && !lost.has(keyOf(primary)))
      lost.set(keyOf(primary), `ahead: ${keyOf(primary)} lost what ${ahead.server.name} had`)
  }
}

const isBefore = ({answeredAt}: Answer, {answer}: Described) => answeredAt <= answer.askedAt
const isPrimary = ({answer}: Described) => !answer.facts.inRecovery
const holds = (one: Described, other: Described, excused: ReadonlyMap<symbol, number>) =>
  holdsBeyond(one.answer.history, other.answer.history, excused)
const isFurther = (one: Described, other: Described) =>
  Math.floor(openOf(one.answer.history).upTo) > Math.floor(openOf(other.answer.history).upTo)
