import type {Config} from '../../config/config.ts'
import {askPatroni} from '../../config/learning/ask-patroni.ts'
import {keepMembers} from '../../config/learning/kept-members.ts'
import type {Learned} from '../../config/learning/learned.ts'
import {withThoseBefore} from '../../config/learning/members.ts'
import type {Clock, Log, SnapshotSource} from '../../core/ports.ts'
import type {Snapshot} from '../../core/snapshot.ts'

/** How often the standbys that stream are looked at: this costs no question to anyone. */
const lookMs = 5_000
/**
 * GET /cluster makes a member read its DCS: a member that is stuck would look fresh if it were asked
 * more often.
 */
const askMs = 600_000
/** Where no member answered, though a stranger streams. */
const retryMs = 60_000

type Deps = Readonly<{
  source: Pick<SnapshotSource, 'current'>
  clock: Clock
  log: Log
  /** The members have changed: the configuration is to be loaded anew. */
  changed: () => void
}>

/**
 * Follows the members of Patroni, where the hosts were learned from it: a new name among the standbys
 * makes it ask the members, and so does time. A member that is no longer listed stays until an order to
 * reload or until another one has its place: it may be a primary that only the DCS does not hear.
 */
export class LearnedMembers implements AsyncDisposable {
  readonly #deps: Deps
  #config: Config
  #askedAt: number
  /** Names that are no members: a backup streams too. */
  #strangers = new Set<string>()
  /** The last question had an answer. */
  #isAnswered = true
  /** Another scope that was told of in the log. */
  #otherScope: string | null = null
  #isOver = false
  #cancel: () => void = () => {}

  private constructor(config: Config, deps: Deps) {
    this.#config = config
    this.#deps = deps
    this.#askedAt = deps.clock.now()
    this.#wait()
  }

  static async start(config: Config, deps: Deps): Promise<LearnedMembers> {
    const members = new LearnedMembers(config, deps)
    await members.applyConfig(config)
    return members
  }

  async applyConfig(config: Config): Promise<void> {
    this.#config = config
    const {stateDir, learned} = config
    if (stateDir !== null && learned !== null) await keepMembers(stateDir, learned.place.urls, learned.cluster)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    this.#cancel()
  }

  #wait(): void {
    if (this.#isOver) return
    this.#cancel = this.#deps.clock.after(lookMs, () => void this.#look().finally(() => this.#wait()))
  }

  async #look(): Promise<void> {
    const {learned} = this.#config
    if (learned === null) return
    const {clock, source, log, changed} = this.#deps
    const sinceMs = clock.now() - this.#askedAt
    const isDue = sinceMs >= askMs
    const strangers = strangersIn(source.current(), learned)
    const isMet = strangers.some((name) => !this.#strangers.has(name)) && (this.#isAnswered || sinceMs >= retryMs)
    if (!isDue && !isMet) return
    this.#askedAt = clock.now()
    const told = await askPatroni(learned.place)
    if (this.#isOver) return
    if (typeof told === 'string') {
      if (this.#isAnswered) log.warn({}, `Patroni's members cannot be asked, new ones stay unknown: ${told}`)
      this.#isAnswered = false
      return
    }
    this.#isAnswered = true
    this.#strangers = new Set(isDue ? strangers : [...this.#strangers, ...strangers])
    if (told.scope !== learned.cluster.scope) return this.#tellScope(told.scope, learned.cluster.scope)
    this.#otherScope = null
    const {members} = withThoseBefore(told, learned.cluster)
    if (JSON.stringify(members) === JSON.stringify(learned.cluster.members)) return
    log.info({members: members.map(({name}) => name)}, "Patroni's members have changed")
    changed()
  }

  #tellScope(told: string, known: string): void {
    if (told === this.#otherScope) return
    this.#otherScope = told
    const {log} = this.#deps
    log.warn({}, `Patroni tells the scope "${told}", the daemon knows "${known}": the hosts stay. Correct the URL.`)
  }
}

/** Those that stream under a name which no known member has: Patroni gives a standby its member's name. */
function strangersIn({hosts}: Snapshot, {cluster}: Learned): readonly string[] {
  const known = new Set(cluster.members.map(({name}) => name))
  const streaming = Object.values(hosts).flatMap((host) => (host.role === 'unavailable' ? [] : host.senders))
  return [...new Set(streaming.flatMap(({applicationName}) => applicationName ?? []))].filter(
    (name) => !known.has(name),
  )
}
