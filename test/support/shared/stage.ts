import type {StartEngine} from '../../../src/cluster/engines.ts'
import {SharedSet} from '../../../src/cluster/shared-set.ts'
import {OperatorError} from '../../../src/core/errors.ts'
import {noMeter} from '../../../src/core/no-meter.ts'
import type {Log, Who} from '../../../src/core/ports.ts'
import type {GroupSettings} from '../../../src/core/settings.ts'
import type {Snapshot, Verdict} from '../../../src/core/snapshot.ts'
import {startMonitor} from '../../../src/monitor/monitor.ts'
import {seededRandom} from '../seeded-random.ts'
import {groupSettings, monitorSettings} from '../settings.ts'
import {SimulatedCluster} from '../simulated-cluster.ts'
import {VirtualClock} from '../virtual-clock.ts'
import {SimulatedProcess} from './process.ts'
import {SimulatedRegistry} from './registry.ts'
import {simulatedStream} from './stream.ts'

export const ttlMs = 10_000

export type SharedStageOptions = Readonly<{
  instances?: number
  groups?: number
  servers?: number
  seed?: number
  hasStandby?: boolean
  group?: Partial<GroupSettings>
}>

/** One `serve` of the set, from its start to its end. */
export type Node = {
  readonly id: string
  readonly process: SimulatedProcess
  readonly set: SharedSet
  readonly door: ReturnType<SimulatedRegistry['door']>
}

/** A set of instances over simulated clusters, a simulated registry, and streams that can be cut. */
export class SharedStage {
  readonly clock = new VirtualClock()
  readonly registry = new SimulatedRegistry(this.clock)
  readonly clusters = new Map<string, SimulatedCluster>()
  readonly nodes = new Map<string, Node>()
  readonly said: string[] = []
  readonly ids: readonly string[]
  /** `from>to`: what `from` sends does not reach `to`. */
  readonly cuts = new Set<string>()
  readonly counts = new Map<string, number>()
  configHash = new Map<string, string>()
  streamMs = () => 2
  onPublished: (node: Node, snapshot: Snapshot) => void = () => {}
  readonly #options: SharedStageOptions
  readonly #random: () => number

  constructor(options: SharedStageOptions = {}) {
    const {instances = 3, groups = 2, servers = 3, seed = 1} = options
    this.#options = options
    this.#random = seededRandom(seed)
    this.ids = Array.from({length: instances}, (_, index) => `lb${index + 1}`)
    for (let index = 1; index <= groups; index += 1) {
      const name = `g${index}`
      const hosts = Array.from({length: servers}, (_, each) => `${name}h${each + 1}`)
      this.clusters.set(name, new SimulatedCluster({clock: this.clock, random: this.#random, servers: hosts}))
    }
  }

  /** All instances run, and every group is answered for. */
  static async set(options: SharedStageOptions = {}): Promise<SharedStage> {
    const stage = new SharedStage(options)
    for (const id of stage.ids) stage.start(id)
    await stage.clock.until(() => stage.isSettled(), 60_000)
    return stage
  }

  get groups(): readonly string[] {
    return [...this.clusters.keys()]
  }

  get running(): readonly Node[] {
    return [...this.nodes.values()].filter(({process}) => process.isRunning)
  }

  cluster(group: string): SimulatedCluster {
    const cluster = this.clusters.get(group)
    if (cluster === undefined) throw new Error(`no group ${group}`)
    return cluster
  }

  node(id: string): Node {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`no instance ${id} runs`)
    return node
  }

  verdict(id: string, group = 'g1'): Verdict {
    const verdict = this.node(id).set.current().groups[group]?.verdict
    if (verdict === undefined) throw new Error(`no group ${group}`)
    return verdict
  }

  /** By the registry. */
  ownerOf(group = 'g1'): string {
    return this.registry.record(group)?.owner.id ?? ''
  }

  /** Every group has one owner that runs, and every instance that runs gives the same answer: a primary. */
  isSettled(): boolean {
    return this.groups.every((group) => {
      const owner = this.nodes.get(this.ownerOf(group))
      if (!owner?.process.isRunning || !owner.set.member.isAnswering(group)) return false
      return this.running.every(({id}) => {
        const {rule, routedTo} = this.verdict(id, group)
        return rule === 'V4' && (routedTo === null || this.cluster(group).server(routedTo).isPrimary)
      })
    })
  }

  start(id: string): Node {
    const process = new SimulatedProcess(this.clock)
    const door = this.registry.door(process)
    const {hasStandby = false} = this.#options
    const set = new SharedSet({
      us: {
        id,
        url: `https://${id}`,
        version: 'test',
        configHash: this.configHash.get(id) ?? 'c1',
        routers: [],
      },
      groups: [...this.clusters].map(([name, cluster]) => ({name, hosts: cluster.names})),
      hosts: [...this.clusters.values()].flatMap((cluster) => cluster.hostSettings()),
      ttlMs,
      maxAgeMs: 3_000,
      hasStandby,
      registry: door,
      start: this.#starter(process),
      open: (instance) => this.#open(id, process, instance.id),
      forward: (owner, path, who) => this.#forward(id, process, {owner: owner.id, path, who}),
      clock: process,
      random: this.#random,
      log: this.#log(id),
      epoch: `${id}${this.#random()}`,
      version: 'test',
      count: (what) => this.counts.set(what, (this.counts.get(what) ?? 0) + 1),
    })
    const node = {id, process, set, door}
    this.nodes.set(id, node)
    set.subscribe(({snapshot}) => this.onPublished(node, snapshot))
    return node
  }

  kill(id: string): void {
    this.node(id).process.kill()
    this.nodes.delete(id)
  }

  /** As after SIGTERM. */
  async stop(id: string): Promise<void> {
    const {set, process} = this.node(id)
    await this.clock.through(set[Symbol.asyncDispose]())
    process.kill()
    this.nodes.delete(id)
  }

  /** Neither of the two hears the other. */
  cut(one: string, other: string): void {
    this.cuts.add(`${one}>${other}`)
    this.cuts.add(`${other}>${one}`)
  }

  isCut(one: string, other: string): boolean {
    return this.cuts.has(`${one}>${other}`)
  }

  #starter(process: SimulatedProcess): StartEngine {
    return (group, store) => {
      const cluster = this.cluster(group)
      const settings = monitorSettings(cluster.hostSettings(), {
        groups: [groupSettings(group, cluster.names, this.#options.group ?? {})],
        probe: {fastIntervalMs: 500, fastPingIntervalMs: 200},
      })
      return startMonitor({
        settings: {...settings, stateDir: 'the registry'},
        driver: (host) => process.driver(cluster.driver(host)),
        clock: process,
        random: this.#random,
        store,
        log: this.#log(group),
        meter: noMeter,
        version: 'test',
      })
    }
  }

  async #open(to: string, process: SimulatedProcess, from: string) {
    const sender = this.nodes.get(from)
    if (sender === undefined) throw new Error('refused')
    return simulatedStream({
      from: {process: sender.process, own: sender.set.own},
      to: process,
      clock: this.clock,
      isOpen: () => !this.cuts.has(`${from}>${to}`) && this.nodes.get(from) === sender,
      latencyMs: () => this.streamMs(),
    })
  }

  #forward(
    from: string,
    process: SimulatedProcess,
    {owner, path, who}: Readonly<{owner: string; path: string; who: Who}>,
  ): Promise<Readonly<Record<string, unknown>>> {
    return new Promise((resolve, reject) => {
      const lost = () =>
        process.act(() => reject(new OperatorError('NO_OWNER', 'the owner does not answer', 'Try again.')))
      this.clock.after(this.streamMs(), () => {
        const target = this.nodes.get(owner)
        if (target === undefined || this.isCut(from, owner)) return lost()
        this.clock.after(10_000, lost)
        target.process.act(() => {
          const [, , , host = '', verb = ''] = path.split('/')
          const orders = target.set.orders as unknown as Record<string, (host: string, who: Who) => Promise<string>>
          const carried = orders[verb === 'probe' ? 'poke' : verb]?.(host, {...who, isForwarded: true})
          carried?.then(
            (done) => process.act(() => resolve({done})),
            (error) => process.act(() => reject(error)),
          )
        })
      })
    })
  }

  #log(who: string): Log {
    const say = (level: string) => (_: object, message: string) =>
      void this.said.push(`${(this.clock.now() / 1_000).toFixed(3)} ${who} ${level}: ${message}`)
    return {debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error')}
  }
}
