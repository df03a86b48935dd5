import type {EvidenceSource, SourceAnswer} from '../../core/evidence/evidence-source.ts'
import type {GroupView, Member} from '../../core/facts/group-view.ts'
import type {Clock} from '../../core/ports.ts'
import type {PeerSettings, ProbeSettings} from '../../core/settings.ts'
import {deadline, nap, onAbort} from '../../core/wait.ts'
import type {Heard, PeerClient} from './client.ts'
import {assessPeers, type Us, type Voter} from './tally.ts'
import type {Word} from './vote.ts'

export type PeersSourceDeps = Readonly<{
  group: string
  peers: readonly Readonly<{settings: PeerSettings; isWitness: boolean; client: PeerClient}>[]
  us: Us
  probe: ProbeSettings
  clock: Clock
  /** What an earlier source of the group has heard, by URL: a reload must not begin in silence. */
  heard?: ReadonlyMap<string, Word>
}>

/** While the primary is not confirmed, peers are asked at the fast pace for at most so long. */
const hurryMs = 60_000

/**
 * What the peers of one group say. Each peer is asked by a loop of its own, one question at a time: a frozen
 * or cut-off peer delays no other one, and its last answer counts until it is `max_age` old.
 */
export class PeersSource implements EvidenceSource {
  readonly name = 'peers'
  /** Resolves once every peer has answered or failed. */
  readonly first: Promise<void>
  readonly #deps: PeersSourceDeps
  readonly #voters: Voter[]
  readonly #listeners = new Set<(group: string) => void>()
  readonly #stop = new AbortController()
  readonly #ended: Promise<unknown>
  readonly #naps = new Set<() => void>()
  /** Primaries that are not confirmed, and since when they wait for it. */
  readonly #wanted = new Map<string, number>()

  constructor(deps: PeersSourceDeps) {
    this.#deps = deps
    this.#voters = deps.peers.map(({settings: {url}, isWitness}) => {
      const name = new URL(url).host
      return {
        name: isWitness ? `the witness ${name}` : name,
        isWitness,
        word: deps.heard?.get(url) ?? null,
        trouble: null,
      }
    })
    const firsts = deps.peers.map(() => Promise.withResolvers<void>())
    this.first = Promise.all(firsts.map(({promise}) => promise)).then(() => {})
    this.#ended = Promise.all(
      firsts.map(({resolve}, index) => {
        onAbort(this.#stop.signal, resolve)
        return this.#run(index, resolve)
      }),
    )
  }

  /** The latest answers, by URL. */
  get heard(): ReadonlyMap<string, Word> {
    return new Map(
      this.#deps.peers.flatMap(({settings}, index): [string, Word][] => {
        const word = this.#voters[index]?.word ?? null
        return word === null ? [] : [[settings.url, word]]
      }),
    )
  }

  assess(leader: Member, view: GroupView): SourceAnswer {
    const {us, probe} = this.#deps
    const answer = assessPeers(leader, view, {voters: this.#voters, us, maxAgeMs: probe.maxAgeMs})
    if (answer.answer === 'confirms') this.#wanted.clear()
    else if (!this.#wanted.has(leader.host)) {
      this.#wanted.set(leader.host, view.now)
      for (const wake of this.#naps) wake()
    }
    return answer
  }

  subscribe(changed: (group: string) => void): () => void {
    this.#listeners.add(changed)
    return () => this.#listeners.delete(changed)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#ended
    await Promise.all(this.#deps.peers.map(({client}) => client.close()))
  }

  async #run(index: number, answered: () => void): Promise<void> {
    const {clock, peers, probe} = this.#deps
    const client = peers[index]?.client
    while (client && !this.#stop.signal.aborted) {
      const isConnected = this.#voters[index]?.trouble === null && this.#voters[index]?.word !== null
      // The age of an answer counts from before the question is sent.
      const askedAt = clock.now()
      const heard = await this.#ask(client, isConnected ? probe.timeoutMs : probe.connectTimeoutMs)
      if (this.#stop.signal.aborted) return
      this.#take(index, heard, askedAt)
      answered()
      const {done, wake} = nap(clock, this.#waitMs(), this.#stop.signal)
      this.#naps.add(wake)
      await done
      this.#naps.delete(wake)
    }
  }

  async #ask(client: PeerClient, limitMs: number): Promise<Heard> {
    using limit = deadline(this.#deps.clock, limitMs, this.#stop.signal)
    return await client.ask(this.#deps.group, limit.signal, limitMs)
  }

  /** An answer that was heard before stays when the next question fails, for as long as it is fresh. */
  #take(index: number, heard: Heard, askedAt: number): void {
    const before = this.#voters[index]
    if (before === undefined) return
    const after: Voter =
      'trouble' in heard
        ? {...before, trouble: heard.trouble}
        : {...before, word: {...heard.word, askedAt}, trouble: null}
    this.#voters[index] = after
    if (this.#wanted.size === 0 && contentOf(before) === contentOf(after)) return
    for (const changed of this.#listeners) changed(this.#deps.group)
  }

  #waitMs(): number {
    const {probe, clock} = this.#deps
    const isWanted = [...this.#wanted.values()].some((since) => clock.now() - since < hurryMs)
    return isWanted ? probe.fastIntervalMs : probe.intervalMs
  }
}

/** Without ages, which differ in every answer. */
const contentOf = ({word, trouble}: Voter): string =>
  JSON.stringify([word, trouble], (key, value) => (key === 'askedAt' || key === 'askedMsAgo' ? undefined : value))
