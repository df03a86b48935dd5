import type {Clock, HostDriver, Random} from '../../src/core/ports.ts'
import type {HostSettings} from '../../src/core/settings.ts'
import {hostSettings} from './settings.ts'
import {simulatedDriver, Told} from './simulated-driver.ts'
import {closed, SimulatedServer} from './simulated-server.ts'
import {branched, cutBack, openOf, rewound} from './wal.ts'

export type ClusterOptions = Readonly<{
  clock: Clock
  random: Random
  /** The first one is the primary, the others stream from it. */
  servers: readonly string[]
  /** More names for servers that are there: name -> server. */
  alsoKnownAs?: Readonly<Record<string, string>>
}>

/** A replication cluster in memory, and everything that can happen to it. */
export class SimulatedCluster {
  readonly servers: readonly SimulatedServer[]
  readonly told = new Map<string, Told>()
  latencyMs = () => 0.2
  patienceMs = 1_000
  readonly #clock: Clock
  readonly #random: Random
  readonly #byName = new Map<string, SimulatedServer>()

  constructor({clock, random, servers, alsoKnownAs = {}}: ClusterOptions) {
    this.#clock = clock
    this.#random = random
    const all: SimulatedServer[] = []
    for (const name of servers) all.push(new SimulatedServer(name, all.length, clock, all[0] ?? null))
    this.servers = all
    for (const server of all) this.#byName.set(server.name, server)
    for (const [name, server] of Object.entries(alsoKnownAs)) this.lead(name, server)
    for (const name of this.#byName.keys()) this.told.set(name, new Told())
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()]
  }

  hostSettings(): readonly HostSettings[] {
    return this.names.map((name) =>
      hostSettings(name, {host: this.server(name).name === name ? this.server(name).address : name}),
    )
  }

  /** From now on `name` leads to the server called `server`, as after a change of DNS. */
  lead(name: string, server: string): void {
    this.#byName.set(name, this.server(server))
  }

  server(name: string): SimulatedServer {
    const server = this.#byName.get(name)
    if (server === undefined) throw new Error(`no server ${name}`)
    return server
  }

  toldTo(name: string): Told {
    const told = this.told.get(name)
    if (told === undefined) throw new Error(`no name ${name}`)
    return told
  }

  readonly driver = ({name}: HostSettings): HostDriver =>
    simulatedDriver({
      clock: this.#clock,
      random: this.#random,
      server: () => this.server(name),
      servers: () => this.servers,
      latencyMs: () => this.latencyMs(),
      patienceMs: () => this.patienceMs,
      told: this.toldTo(name),
    })

  /** kill -9 of the whole server: sockets are closed by the kernel, new connections refused. */
  crash(name: string): void {
    this.#change(name, (server) => server.die())
  }

  /** pg_ctl stop -m fast: new clients are turned away, and then every session ends. */
  stop(name: string): void {
    this.door(name, 'stopping')
    this.terminate(name)
  }

  /** pg_ctl stop -m immediate. */
  halt(name: string): void {
    this.#change(name, (server) => server.isRunning && server.halt())
  }

  /** The machine loses its power: nothing is said to anybody. */
  powerOff(name: string): void {
    this.#change(name, (server) => {
      server.isReachable = false
      server.die()
    })
  }

  /** Comes up as what it was when it went down. */
  start(name: string): void {
    this.#change(name, (server) => {
      if (server.isRunning) return
      server.isRunning = true
      // No two start in the same instant, not even after the same power failure.
      server.startedAt = this.#clock.wall() + this.servers.indexOf(server) / 1_000
      server.heardAt = this.#clock.now()
      server.isReachable = true
      server.stir()
    })
  }

  promote(name: string): void {
    this.#change(name, (server) => {
      if (!server.isRunning || !server.inRecovery || server.isFrozen) return
      server.inRecovery = false
      server.receiverStatus = null
      // Two promotions from one parent have the same number.
      server.history = branched(server.history, server.timeline + 1)
    })
  }

  /** Stops it, throws away what it has, and brings it up as a standby of `upstream`. */
  rebuild(name: string, upstream: string): void {
    this.crash(name)
    const [server, source] = [this.server(name), this.server(upstream)]
    server.inRecovery = true
    server.history = source.history
    server.isHeldBack = false
    server.systemIdentifier = source.systemIdentifier
    server.upstream = source
    this.start(name)
  }

  /** As a failover tool does it: a standby that is ahead is rewound first. */
  follow(name: string, upstream: string): void {
    this.#change(name, (server) => {
      server.upstream = this.server(upstream)
      if (server.inRecovery) server.history = rewound(server.history, server.upstream.history)
    })
  }

  /** Only primary_conninfo changes. */
  repoint(name: string, upstream: string): void {
    this.#change(name, (server) => {
      server.upstream = this.server(upstream)
    })
  }

  /**
   * A snapshot of the machine is restored while the server is down: `bytes` are gone, as far back as
   * its timeline goes. Where it lies in time is told by its position alone, so a primary has no
   * clients until the monitor has asked it.
   */
  restore(name: string, bytes: number): void {
    this.#change(name, (server) => {
      if (server.isRunning) return
      const {timeline, lsn} = server
      const earlier = cutBack(server.history, lsn - bytes)
      if (openOf(earlier).upTo === lsn) return
      server.history = server.inRecovery ? earlier : branched(earlier, timeline)
      server.isHeldBack = !server.inRecovery
    })
  }

  freeze(name: string): void {
    this.#change(name, (server) => {
      server.isFrozen = server.isRunning
    })
  }

  thaw(name: string): void {
    this.#change(name, (server) => {
      server.isFrozen = false
      server.stir()
    })
  }

  /** Packets between us and the server stop passing. */
  cut(name: string): void {
    this.#change(name, (server) => {
      server.isReachable = false
    })
  }

  heal(name: string): void {
    this.#change(name, (server) => {
      server.isReachable = true
      server.stir()
    })
  }

  /** Replication traffic stops reaching it, and nothing else does. */
  unlink(name: string): void {
    this.#change(name, (server) => {
      server.isLinked = false
    })
  }

  relink(name: string): void {
    this.#change(name, (server) => {
      server.isLinked = true
    })
  }

  door(name: string, door: SimulatedServer['door']): void {
    this.#change(name, (server) => {
      if (!server.isRunning) return
      server.door = door
      if (door === 'stopping' && server.backends.size === 0) server.die()
      if (door === 'refusing') server.endSessions(closed)
      server.stir()
    })
  }

  /** pg_terminate_backend for every session. */
  terminate(name: string): void {
    this.#change(name, (server) => server.endSessions())
  }

  /** What happened until now is brought about before the change, so that it is not undone by it. */
  #change(name: string, change: (server: SimulatedServer) => void): void {
    for (const server of this.servers) server.settle()
    change(this.server(name))
    for (const server of this.servers) server.settle()
  }
}
