import type {Log, MemoryStore, Random} from '../../src/core/ports.ts'
import type {GroupSettings, MonitorSettings, ProbeSettings} from '../../src/core/settings.ts'
import type {Change, Publication, Verdict} from '../../src/core/snapshot.ts'
import {type Memory, nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import type {SourcesFor} from '../../src/monitor/evidence-desk.ts'
import {type Monitor, startMonitor} from '../../src/monitor/monitor.ts'
import {seededRandom} from './seeded-random.ts'
import {groupSettings, monitorSettings} from './settings.ts'
import {SimulatedCluster} from './simulated-cluster.ts'
import {VirtualClock} from './virtual-clock.ts'

export class SimulatedStore implements MemoryStore {
  memory: Memory = nothingRemembered
  /** `hanging`: the disk takes the write and never says so. */
  mood: 'working' | 'failing' | 'hanging' = 'working'
  saves = 0

  async load(): Promise<Memory> {
    return this.memory
  }

  async save(memory: Memory): Promise<void> {
    this.saves += 1
    if (this.mood === 'hanging') return new Promise(() => {})
    if (this.mood === 'failing') throw new Error('no space left on device')
    this.memory = memory
  }
}

export type StageOptions = Readonly<{
  servers?: readonly string[]
  alsoKnownAs?: Readonly<Record<string, string>>
  seed?: number
  group?: Partial<GroupSettings>
  groups?: readonly GroupSettings[]
  probe?: Partial<ProbeSettings>
  memory?: Memory
  evidence?: SourcesFor
}> &
  Partial<Pick<MonitorSettings, 'followers' | 'availability'>>

/** The whole monitor on a simulated cluster: what a scenario plays on. */
export class Stage {
  readonly clock = new VirtualClock()
  readonly store = new SimulatedStore()
  readonly random: Random
  readonly cluster: SimulatedCluster
  readonly publications: Publication[] = []
  readonly said: string[] = []
  readonly evidence: SourcesFor
  settings: MonitorSettings
  /** What a listener found wrong; it must not throw where it stands. */
  breach: Error | null = null
  #monitor: Monitor | null = null

  constructor({
    servers = ['host1', 'host2', 'host3'],
    alsoKnownAs = {},
    seed = 1,
    group = {},
    memory,
    evidence = () => [],
    ...more
  }: StageOptions = {}) {
    this.random = seededRandom(seed)
    this.evidence = evidence
    this.cluster = new SimulatedCluster({clock: this.clock, random: this.random, servers, alsoKnownAs})
    this.settings = monitorSettings(this.cluster.hostSettings(), {
      groups: [groupSettings('all', this.cluster.names, group)],
      ...more,
    })
    if (memory) this.store.memory = memory
  }

  /** A running monitor, and everybody asked once. */
  static async set(options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(options)
    await stage.raise()
    await stage.clock.through(stage.monitor.ready)
    return stage
  }

  get monitor(): Monitor {
    if (this.#monitor === null) throw new Error('no monitor runs')
    return this.#monitor
  }

  /** Starts the monitor; with what an earlier one remembered. */
  async raise(): Promise<void> {
    const {clock, random, store, settings, cluster, evidence} = this
    const log = this.#log()
    const meter = {connectionOpened: () => {}, probed: () => {}, failed: () => {}, alarmed: () => {}, saved: () => {}}
    this.#monitor = await startMonitor({
      settings,
      driver: cluster.driver,
      clock,
      random,
      store,
      evidence,
      log,
      meter,
      version: 'test',
    })
    this.#monitor.subscribe((publication) => this.publications.push(publication))
  }

  /** Stops the monitor; the time that took. */
  async strike(): Promise<number> {
    const begun = this.clock.now()
    const monitor = this.monitor
    this.#monitor = null
    await this.clock.through(Promise.resolve(monitor[Symbol.asyncDispose]()))
    return this.clock.now() - begun
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#monitor !== null) await this.strike()
  }

  verdict(group = this.settings.groups[0]?.name ?? ''): Verdict {
    const verdict = this.monitor.current().groups[group]?.verdict
    if (verdict === undefined) throw new Error(`no group ${group}`)
    return verdict
  }

  get routedTo(): string | null {
    return this.verdict().routedTo
  }

  host(name: string) {
    const host = this.monitor.current().hosts[name]
    if (host === undefined) throw new Error(`no host ${name}`)
    return host
  }

  /** All changes that were published since the start. */
  get changes(): readonly Change[] {
    return this.publications.flatMap(({changes}) => changes)
  }

  /** Everyone whom a publication routed to, or null, without repetitions. */
  get routes(): readonly (string | null)[] {
    const all = this.publications.map(
      ({snapshot}) => snapshot.groups[this.settings.groups[0]?.name ?? '']?.verdict.routedTo ?? null,
    )
    return all.filter((route, index) => index === 0 || route !== all[index - 1])
  }

  #log(): Log {
    const say = (level: string) => (_: object, message: string) => void this.said.push(`${level}: ${message}`)
    return {debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error')}
  }
}
