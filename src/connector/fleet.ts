import {lsnBytes} from '../core/facts/lsn.ts'
import type {Limits} from '../core/offers/eligibility.ts'
import type {Clock, Random, SnapshotSource} from '../core/ports.ts'
import type {ReadFallback} from '../core/settings.ts'
import type {HostState, Snapshot, StandbyHost, Verdict} from '../core/snapshot.ts'
import type {Position} from './causal/token.ts'
import type {Emitter} from './events.ts'
import {HostNode} from './node.ts'
import {latencyMs} from './policy/latency.ts'
import {type Offer, offerOf} from './policy/offer.ts'
import {chooseReader, nearest} from './policy/reader-choice.ts'
import {isCleared, type Suspicion} from './policy/suspicion.ts'
import type {DatabaseSettings} from './settings.ts'
import type {Node} from './types.ts'

export type FleetDeps = Readonly<{
  source: SnapshotSource
  group: string
  settings: DatabaseSettings
  fallback: ReadFallback
  clock: Clock
  random: Random
  events: Emitter
  /** Reads in flight, for the choice. */
  inFlight: (host: string) => number
  running: (host: string) => number
  /** A host was switched on or off by the application. */
  switched: (host: string) => void
  cut: (host: string) => void
}>

/** What a read asks of its host. */
export type ReaderQuestion = Readonly<{
  limits: Limits
  fallback: ReadFallback
  /** Hosts that failed under this read; it comes to them last of all. */
  avoid: ReadonlySet<string>
  /** The host under a hedge: the other attempt is there, so the hedge never asks it. */
  hedged?: string
  /** `null`: any. */
  from: string | null
  /**
   * On this timeline, and those first that have replayed so far by the snapshot. `isPatient`: no
   * longer where false, and then the fallback serves.
   */
  after?: Readonly<{position: Position; isPatient: boolean}>
}>

/** The hosts of one database: what the snapshot offers, minus what this process knows better. */
export class Fleet {
  readonly #deps: FleetDeps
  readonly #nodes = new Map<string, HostNode>()
  readonly #suspicions = new Map<string, Suspicion>()
  /** Where the latest read fell back to; `null`: a standby served it. */
  #fellBackTo: string | null = null
  #fallback: ReadFallback
  #offers: {snapshot: Snapshot; offer: Offer} | null = null

  constructor(deps: FleetDeps) {
    this.#deps = deps
    this.#fallback = deps.fallback
  }

  get snapshot(): Snapshot {
    return this.#deps.source.current()
  }

  get verdict(): Verdict {
    const {group} = this.#deps
    const state = this.snapshot.groups[group]
    if (state === undefined) throw new Error(`the configuration no longer has the group ${group}`)
    return state.verdict
  }

  /** Verdict of the group, for an error; `null`: the group is gone. */
  get verdictOrNull(): Verdict | null {
    return this.snapshot.groups[this.#deps.group]?.verdict ?? null
  }

  state(host: string): HostState | undefined {
    return this.snapshot.hosts[host]
  }

  node(name: string): HostNode {
    const known = this.#nodes.get(name)
    if (known !== undefined) return known
    const {running, switched, cut, clock} = this.#deps
    const node = new HostNode(name, {
      state: () => this.state(name),
      suspicion: () => this.suspicion(name),
      inFlight: () => running(name),
      switched: () => switched(name),
      cut: () => cut(name),
      clock,
    })
    this.#nodes.set(name, node)
    return node
  }

  get names(): readonly string[] {
    return this.snapshot.groups[this.#deps.group]?.hosts ?? []
  }

  isOnline(host: string): boolean {
    return this.#nodes.get(host)?.online ?? true
  }

  /** The host that writes go to; `null`: none. */
  get writer(): string | null {
    const {writer} = this.#offer()
    return writer !== null && this.isOnline(writer) ? writer : null
  }

  /** The host for a read. Throws what the application's own choice throws. */
  reader(question: ReaderQuestion): string | null {
    const {standbys, fallbacks} = this.#offer(question)
    const {settings, random} = this.#deps
    const {choose, location} = settings.read
    const isUsable = (host: string) =>
      this.isOnline(host) && host !== question.hedged && !question.avoid.has(host) && this.suspicion(host) === null
    if (question.from !== null) {
      const {from} = question
      const isOffered = standbys.some(({host}) => host === from) || this.#offer().writer === from
      return isOffered && isUsable(from) ? from : null
    }
    const usable = reaching(
      standbys.filter(({host}) => isUsable(host)),
      question,
    )
    if (usable.length === 0) return this.#fallBack(fallbacks.find(isUsable) ?? null, standbys.length > 0)
    this.#fellBackTo = null
    if (usable.length === 1) return usable[0]?.host ?? null
    if (typeof choose === 'function')
      return this.#chosen(
        usable.map(({host}) => this.node(host)),
        choose,
      )
    const now = choose === 'fastest' ? this.#deps.clock.now() : 0
    const candidates = usable.map(({host, location}) => {
      const {latency} = this.node(host)
      return {name: host, location, inFlight: this.#deps.inFlight(host), latencyMs: latencyMs(latency, now)}
    })
    return chooseReader(candidates, {choose, location, random})
  }

  /** Told once, when reads begin to go there. */
  #fallBack(to: string | null, hasStandbys: boolean): string | null {
    if (to !== null && to !== this.#fellBackTo) {
      const why = hasStandbys ? 'no standby that is offered gave an answer' : 'no standby is offered'
      this.#deps.events.emit('fallback', {to, why})
      this.#fellBackTo = to
    }
    return to
  }

  #chosen(nodes: readonly Node[], choose: (candidates: readonly Node[]) => Node): string {
    const near = nearest(nodes, this.#deps.settings.read.location)
    const chosen: Node | undefined = choose(near)
    if (chosen !== undefined && near.includes(chosen)) return chosen.name
    throw new TypeError('read.choose must return one of the candidates')
  }

  /** Whether a client of this host may be handed to a read now. */
  isReadable(host: string, question: ReaderQuestion): boolean {
    if (!this.isOnline(host)) return false
    const {standbys, fallbacks} = this.#offer(question)
    if (question.from !== null) return standbys.some((one) => one.host === host) || this.#offer().writer === host
    return standbys.some((one) => one.host === host) || fallbacks.includes(host)
  }

  suspicion(host: string): Suspicion | null {
    const suspicion = this.#suspicions.get(host)
    if (suspicion === undefined) return null
    if (!isCleared(suspicion, this.state(host))) return suspicion
    this.#suspicions.delete(host)
    this.#deps.events.emit('back', {host})
    return null
  }

  suspect(host: string, error: Error): void {
    const isNew = this.suspicion(host) === null
    this.#suspicions.set(host, {at: this.#deps.clock.now(), error})
    if (isNew) this.#deps.events.emit('suspect', {host, error})
  }

  /** Who serves reads when no standby may, where a read does not say. */
  get fallback(): ReadFallback {
    return this.#fallback
  }

  set fallback(fallback: ReadFallback) {
    this.#fallback = fallback
    this.#offers = null
  }

  /** Looks at every suspicion with the snapshot of now. Hosts that are gone begin anew. */
  follow(): void {
    for (const host of [...this.#suspicions.keys()]) this.suspicion(host)
    const {hosts} = this.snapshot
    for (const [name, node] of this.#nodes) {
      if (hosts[name] !== undefined) continue
      this.#suspicions.delete(name)
      node.reset()
    }
  }

  /** One look per snapshot for the usual question. */
  #offer(question: Partial<ReaderQuestion> = {}): Offer {
    const {group, settings} = this.#deps
    const {limits = settings.read.limits, fallback = this.#fallback} = question
    const snapshot = this.snapshot
    if (limits !== settings.read.limits || fallback !== this.#fallback)
      return offerOf(snapshot, {group, limits, fallback})
    if (this.#offers?.snapshot !== snapshot)
      this.#offers = {snapshot, offer: offerOf(snapshot, {group, limits, fallback})}
    return this.#offers.offer
  }
}

/** Those that are worth asking for a position. The snapshot may be a probe old, so it proves nothing. */
function reaching(standbys: readonly StandbyHost[], {after}: ReaderQuestion): readonly StandbyHost[] {
  if (after === undefined) return standbys
  if (!after.isPatient) return []
  const {timeline, lsn} = after.position
  const same = standbys.filter((host) => host.timeline === timeline)
  const there = same.filter((host) => (lsnBytes(host.lsn) ?? 0n) >= lsn)
  return there.length > 0 ? there : same
}
