import {type Etcd, startEtcd} from '../../support/etcd.ts'
import {type Fakes, startFakes} from '../../support/fake-postgres.ts'
import {type RealNode, RealSet} from '../../support/shared/site.ts'
import {type Relay, startRelay} from './relay.ts'

export type WorldOptions = Readonly<{groups: number; profile: 'normal' | 'wan'; hasStandby: boolean; etcd: Etcd}>

/** What the instances answered in a span of time. All times in milliseconds. */
export type Seen = {
  looks: number
  /** Routes to a host that has been no primary for longer than an answer may be old, and a second. */
  wrong: number
  firstWrong: string
  /** The oldest answer that a route rests on. */
  oldestMs: number
  /** From the start of the span: when an instance last had no route for a group. */
  missingUntilMs: number
  /** The longest time that an instance had no route for one group. */
  longestMissingMs: number
}

/** To look costs the instances the time of their hosts: a snapshot of 900 hosts is half a megabyte. */
const lookMs = (groups: number) => Math.max(250, groups * 4)

/** Three instances over a real etcd of three, each with a way of its own to it, and fake servers that fail over. */
export class World implements AsyncDisposable {
  readonly set: RealSet
  readonly groups: number
  readonly maxAgeMs: number
  readonly #fakes: Fakes
  readonly #relays: ReadonlyMap<string, readonly Relay[]>
  /** By group: the leader's number, and since when it leads (`performance.now()`). */
  readonly #leaders: {leader: number; since: number}[]

  private constructor(
    {groups, profile}: WorldOptions,
    parts: Readonly<{set: RealSet; fakes: Fakes; relays: ReadonlyMap<string, readonly Relay[]>}>,
  ) {
    this.groups = groups
    this.maxAgeMs = profile === 'wan' ? 10_000 : 3_000
    this.set = parts.set
    this.#fakes = parts.fakes
    this.#relays = parts.relays
    this.#leaders = Array.from({length: groups}, () => ({leader: 0, since: Number.NEGATIVE_INFINITY}))
  }

  static async make(options: WorldOptions): Promise<World> {
    const {groups, profile, hasStandby, etcd} = options
    const fakes = await startFakes(3 * groups)
    const relays = new Map<string, readonly Relay[]>()
    for (const id of ['lb1', 'lb2', 'lb3'])
      relays.set(id, await Promise.all(etcd.urls.map((url) => startRelay(Number(new URL(url).port)))))
    const set = await RealSet.make({
      endpoints: (id) => (relays.get(id) ?? []).map(({port}) => `http://127.0.0.1:${port}`),
      hosts: yamlOf(fakes, {groups, profile}),
      more: `, standby: ${hasStandby ? 1 : 0}`,
    })
    return new World(options, {set, fakes, relays})
  }

  cut(id: string): void {
    for (const relay of this.#relays.get(id) ?? []) relay.cut()
  }

  heal(id: string): void {
    for (const relay of this.#relays.get(id) ?? []) relay.heal()
  }

  failOver(group: number): void {
    const {leader} = this.#leaders[group] ?? {leader: 0}
    this.#fakes.failOver(group)
    this.#leaders[group] = {leader: (leader + 1) % 3, since: performance.now()}
  }

  hostOf(group: number): string {
    return `h${3 * group + (this.#leaders[group]?.leader ?? 0)}`
  }

  /** Every instance routes each group to its primary, and each group has an owner; how long that took. */
  async settle(limitMs = 300_000): Promise<number> {
    const begun = performance.now()
    for (;;) {
      const left = await Promise.all(this.set.running.map((node) => this.#unsettled(node)))
      if (left.every((why) => why === null)) return performance.now() - begun
      if (performance.now() - begun > limitMs) throw new Error(`the set does not settle: ${left.join('; ')}`)
      await pause(lookMs(this.groups))
    }
  }

  /** `null`: the instance knows an owner of each group, and routes it to its primary. */
  async #unsettled({id, snapshot: ask, set: askSet}: RealNode): Promise<string | null> {
    const snapshot = await ask()
    if (snapshot === null) return `${id} does not answer`
    const names = Array.from({length: this.groups}, (_, group) => group)
    const wrong = names.filter((group) => snapshot.groups[`g${group}`]?.verdict.routed_to !== this.hostOf(group))
    if (wrong.length > 0) {
      const {verdict, owner} = snapshot.groups[`g${wrong[0]}`] ?? {}
      return `${id}: ${wrong.length} groups without their route (g${wrong[0]} by ${owner?.instance}: ${verdict?.why})`
    }
    const ownerless = Object.values((await askSet())?.groups ?? {}).filter(({owner}) => owner === null).length
    return ownerless === 0 ? null : `${id}: ${ownerless} groups without owner`
  }

  /** Looks at every instance that answers until `isOver` says so. */
  async watch(isOver: (sinceMs: number) => boolean): Promise<Seen> {
    const seen: Seen = {looks: 0, wrong: 0, firstWrong: '', oldestMs: 0, missingUntilMs: 0, longestMissingMs: 0}
    const begun = performance.now()
    /** By instance and group: since when it has no route. */
    const missing = new Map<string, number>()
    while (!isOver(performance.now() - begun)) {
      const nodes = this.set.running
      const snapshots = await Promise.all(nodes.map(({snapshot}) => snapshot()))
      for (const [index, snapshot] of snapshots.entries())
        if (snapshot !== null) this.#judge({id: nodes[index]?.id ?? '', snapshot, begun}, seen, missing)
      await pause(lookMs(this.groups))
    }
    return seen
  }

  #judge(
    {
      id,
      snapshot,
      begun,
    }: Readonly<{id: string; snapshot: NonNullable<Awaited<ReturnType<RealNode['snapshot']>>>; begun: number}>,
    seen: Seen,
    missing: Map<string, number>,
  ): void {
    const now = performance.now()
    seen.looks += 1
    for (let group = 0; group < this.groups; group += 1) {
      const key = `${id} ${group}`
      const routed = snapshot.groups[`g${group}`]?.verdict.routed_to ?? null
      if (routed === null) {
        missing.set(key, missing.get(key) ?? now)
        seen.missingUntilMs = now - begun
        seen.longestMissingMs = Math.max(seen.longestMissingMs, now - (missing.get(key) ?? now))
        continue
      }
      missing.delete(key)
      seen.oldestMs = Math.max(seen.oldestMs, snapshot.hosts[routed]?.age_ms ?? 0)
      const sinceMs = now - (this.#leaders[group]?.since ?? 0)
      if (routed === this.hostOf(group) || sinceMs <= this.maxAgeMs + 1_000) continue
      seen.wrong += 1
      const what = `${id} routes g${group} to ${routed}`
      seen.firstWrong ||= `${what} ${Math.round(sinceMs)} ms after ${this.hostOf(group)} leads`
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.set[Symbol.asyncDispose]()
    for (const relays of this.#relays.values()) for (const relay of relays) relay[Symbol.dispose]()
    this.#fakes.stop()
  }
}

function yamlOf({ports}: Fakes, {groups, profile}: Readonly<{groups: number; profile: string}>): string {
  const host = (port: number, index: number) =>
    `  h${index}: {host: 127.0.0.1, port: ${port}, user: p, sslmode: disable}`
  const group = (index: number) => `  g${index}: [h${3 * index}, h${3 * index + 1}, h${3 * index + 2}]`
  const members = Array.from({length: groups}, (_, index) => group(index))
  return [`profile: ${profile}`, 'hosts:', ...ports.map(host), 'groups:', ...members].join('\n')
}

export const etcdOfThree = (): Promise<Etcd> => startEtcd({count: 3})
export const pause = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time))
