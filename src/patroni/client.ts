import type {Answer, OrderAnswer} from './answer.ts'
import {type Heard, type Leader, leaderOf} from './claim.ts'
import type {Cluster} from './data/cluster.ts'
import type {DynamicConfig} from './data/config.ts'
import type {TimelineEntry} from './data/history.ts'
import type {Status} from './data/status.ts'
import type {Discovery, MemberAddress} from './discovery/discovery.ts'
import {PatroniError, usageError} from './error.ts'
import {clusterOf} from './from-statuses.ts'
import type {HealthPath, HealthQuery} from './health-path.ts'
import {limits, PatroniMember} from './member.ts'
import {type Moved, movedTo} from './moved.ts'
import type {FailoverOrder, ReinitializeOrder, RestartOrder, SwitchoverOrder} from './orders.ts'
import {type Call, memberUrl, Transport, type TransportOptions, toldUrl} from './transport.ts'

export type ClientOptions = TransportOptions &
  Readonly<{
    /** Of each read, in milliseconds (1,000). Orders have limits of their own. */
    timeoutMs?: number | undefined
  }> &
  Readonly<{urls: readonly string[]} | {discovery: Discovery}>

/** Which member is asked: its URL or its name. May be left out where the client has only one. */
type On = Readonly<{member?: string | undefined}>
type Wait = Readonly<{
  /** Read the outcome where the answer does not tell it (`Moved`). */
  wait?: boolean | undefined
}>

/**
 * A Patroni cluster by the REST API of its members. Questions about the cluster go to one member
 * after the other until one answers; an order is sent once, to one member. What single members are
 * asked is in `PatroniMember`, and here with `{member}`.
 */
export class PatroniClient {
  readonly #transport: Transport
  readonly #discovery: Discovery
  readonly #readMs: number
  readonly #known = new Map<string, PatroniMember>()

  /** Throws PatroniError (`request`) on a URL or a certificate that is none. */
  constructor(options: ClientOptions) {
    this.#transport = new Transport(options)
    this.#readMs = options.timeoutMs ?? limits.read
    if ('discovery' in options) this.#discovery = options.discovery
    else {
      if (options.urls.length === 0) throw usageError('no member is named: give at least one URL')
      const fixed = [...new Set(options.urls.map(memberUrl))].map((url) => ({url, name: null}))
      this.#discovery = {members: async () => fixed}
    }
  }

  /** Every member that is known now, with its name where the discovery knows it. */
  addresses(signal?: AbortSignal): Promise<readonly MemberAddress[]> {
    return this.#discovery.members(signal)
  }

  async members(signal?: AbortSignal): Promise<readonly PatroniMember[]> {
    return (await this.addresses(signal)).map(({url}) => this.at(url))
  }

  /** The member at this URL, whether the discovery knows it or not. */
  at(url: string): PatroniMember {
    const root = memberUrl(url)
    const member = this.#known.get(root) ?? new PatroniMember(root, this.#transport, this.#readMs)
    this.#known.set(root, member)
    return member
  }

  /** A member by its name or its URL; by nothing where there is only one. Rejects where there is none. */
  async member(nameOrUrl?: string, signal?: AbortSignal): Promise<PatroniMember> {
    if (nameOrUrl !== undefined && /^https?:\/\//.test(nameOrUrl)) return this.at(nameOrUrl)
    const known = await this.addresses(signal)
    const [first, second] = known
    if (nameOrUrl === undefined) {
      if (first !== undefined && second === undefined) return this.at(first.url)
      throw usageError(`the cluster has ${known.length} members: say which one is meant by {member}`)
    }
    const named = known.find(({name}) => name === nameOrUrl) ?? (await this.#named(nameOrUrl, signal))
    if (named !== undefined) return this.at(named.url)
    throw usageError(`there is no member ${JSON.stringify(nameOrUrl)}`)
  }

  /**
   * Asks every member for the lock at once (rule P2). Never rejects for a member that is silent.
   * `ttl`: seconds, of `config()`; Patroni's default is 30.
   */
  async leader({ttl, ...call}: Readonly<{ttl?: number | undefined}> & Call = {}): Promise<Leader> {
    const members = await this.members(call.signal)
    return leaderOf(await Promise.all(members.map((member) => askLeader(member, call))), ttl)
  }

  /**
   * The cluster as the DCS knows it. Where no member can read the DCS, or the list is empty, each
   * known member is asked for itself: `from` says which.
   */
  async cluster(call: Call = {}): Promise<Answer<Cluster> & Readonly<{from: 'dcs' | 'members'}>> {
    const read = await this.#first((member) => member.cluster(call), call).catch((error: unknown) => {
      if (error instanceof PatroniError && error.kind !== 'request') return null
      throw error
    })
    if (read?.data && read.data.members.length > 0) return {...read, from: 'dcs'}
    const found = await clusterOf(await this.addresses(call.signal), (url) => askLeader(this.at(url), call))
    if (found !== null) return {...found, from: 'members'}
    if (read !== null) return {...read, from: 'dcs'}
    throw await this.#silence(call)
  }

  history(call: Call = {}): Promise<Answer<readonly TimelineEntry[]>> {
    return this.#first((member) => member.history(call), call)
  }
  config(call: Call = {}): Promise<Answer<DynamicConfig>> {
    return this.#first((member) => member.config(call), call)
  }
  failsafe(call: Call = {}): Promise<Answer<Readonly<Record<string, string>>>> {
    return this.#first((member) => member.failsafe(call), call)
  }

  /** Sent once, to a member that has just answered. */
  async patchConfig(patch: object, call: Call = {}): Promise<OrderAnswer & Answer<DynamicConfig>> {
    return (await this.#alive(call)).patchConfig(patch, call)
  }
  async putConfig(config: object, call: Call = {}): Promise<OrderAnswer & Answer<DynamicConfig>> {
    return (await this.#alive(call)).putConfig(config, call)
  }
  async cancelSwitchover(call: Call = {}): Promise<OrderAnswer> {
    return (await this.#alive(call)).cancelSwitchover(call)
  }

  /** Sent once. With `wait`, a lost answer is replaced by reading who leads. */
  async switchover(order: SwitchoverOrder, {wait = false, ...call}: Wait & Call = {}): Promise<Moved> {
    const member = await this.#alive(call)
    const isScheduled = order.scheduled_at !== undefined
    return movedTo(
      {client: this, clock: this.#transport.clock, call, wait: wait && !isScheduled, to: order.candidate},
      () => member.switchover(order, call),
    )
  }
  async failover(order: FailoverOrder, {wait = false, ...call}: Wait & Call = {}): Promise<Moved> {
    const member = await this.#alive(call)
    return movedTo({client: this, clock: this.#transport.clock, call, wait, to: order.candidate}, () =>
      member.failover(order, call),
    )
  }

  async health(path: HealthPath, {member, ...query}: HealthQuery & On & Call = {}): Promise<Answer<Status>> {
    return (await this.member(member, query.signal)).health(path, query)
  }
  async head(path: HealthPath, {member, ...query}: HealthQuery & On & Call = {}): Promise<boolean> {
    return (await this.member(member, query.signal)).head(path, query)
  }
  async status({member, ...call}: On & Call = {}): Promise<Answer<Status>> {
    return (await this.member(member, call.signal)).status(call)
  }
  async metrics({member, ...call}: On & Call = {}): Promise<Answer<string>> {
    return (await this.member(member, call.signal)).metrics(call)
  }
  async liveness({member, ...call}: On & Call = {}): Promise<boolean> {
    return (await this.member(member, call.signal)).liveness(call)
  }
  async readiness({
    member,
    ...call
  }: Readonly<{lag?: number | string; mode?: string}> & On & Call = {}): Promise<boolean> {
    return (await this.member(member, call.signal)).readiness(call)
  }
  async reload({member, ...call}: On & Call = {}): Promise<OrderAnswer> {
    return (await this.member(member, call.signal)).reload(call)
  }
  async restart(order: RestartOrder = {}, {member, ...call}: On & Call = {}): Promise<OrderAnswer> {
    return (await this.member(member, call.signal)).restart(order, call)
  }
  async cancelRestart({member, ...call}: On & Call = {}): Promise<OrderAnswer> {
    return (await this.member(member, call.signal)).cancelRestart(call)
  }
  async reinitialize(order: ReinitializeOrder = {}, {member, ...call}: On & Call = {}): Promise<OrderAnswer> {
    return (await this.member(member, call.signal)).reinitialize(order, call)
  }

  /** The first answer 2xx; else the last other answer; else the last error. */
  async #first<T>(ask: (member: PatroniMember) => Promise<Answer<T>>, {signal}: Call): Promise<Answer<T>> {
    let other: Answer<T> | null = null
    let lost: unknown = usageError('no member is known')
    for (const member of await this.members(signal)) {
      try {
        const answer = await ask(member)
        if (answer.status >= 200 && answer.status < 300) return answer
        other = answer
      } catch (error) {
        if (!(error instanceof PatroniError) || signal?.aborted) throw error
        lost = error
      }
    }
    if (other !== null) return other
    throw lost
  }

  /** A member that answers at all: an order is not tried out on several. */
  async #alive(call: Call): Promise<PatroniMember> {
    try {
      return this.at((await this.#first((member) => member.health('/health', call), call)).member)
    } catch (error) {
      // The question may have been sent; the order was not.
      if (error instanceof PatroniError) throw error.notSent()
      throw error
    }
  }

  /** By the names in GET /cluster, for members that were given by URL. */
  async #named(name: string, signal?: AbortSignal): Promise<MemberAddress | undefined> {
    const {data} = await this.cluster(signal === undefined ? {} : {signal})
    const url = toldUrl(data?.members.find((member) => member.name === name)?.api_url)
    return url === null ? undefined : {name, url}
  }

  async #silence(call: Call): Promise<Error> {
    const {silent} = await this.leader(call)
    return silent.find(({error}) => error !== null)?.error ?? usageError('no member is known')
  }
}

/**
 * One member's word about the lock. Before 2.0, Patroni knows no GET /leader and answers it by 503:
 * such a member is asked for /master.
 */
export async function askLeader(member: PatroniMember, call: Call = {}): Promise<Heard> {
  try {
    const answer = await member.health('/leader', call)
    const isOld = answer.status === 503 && /^[01]\./.test(answer.data?.patroni?.version ?? '')
    return {member: member.url, answer: isOld ? await member.health('/master', call) : answer}
  } catch (error) {
    if (error instanceof PatroniError) return {member: member.url, error}
    throw error
  }
}
