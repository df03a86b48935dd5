import type {HaproxyServer} from '../../src/actuators/haproxy/match.ts'
import {planHaproxy} from '../../src/actuators/haproxy/plan.ts'
import {eligibleHosts, isUnasked} from '../../src/core/offers/pools.ts'
import type {Snapshot} from '../../src/core/snapshot.ts'
import type {SimulatedCluster} from './simulated-cluster.ts'

const backends = {pg_write: 'primary', pg_read: 'replica'} as const
const fallback = () => 'primary' as const
const forcedMaintenance = 0x01
const clients = 5

/**
 * An HAProxy that carries out each plan at once. It starts with every server disabled, as the
 * generated haproxy.cfg has it. A writer that is up has clients; they stay until their sessions
 * are cut, or until the server that they came to is gone.
 */
export class StoryRouter {
  readonly #cluster: SimulatedCluster
  readonly #servers: Map<string, HaproxyServer>
  /** Backend/server -> when the server started that its sessions belong to. */
  readonly #startedAt = new Map<string, number>()

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster
    const all = Object.keys(backends).flatMap((backend) =>
      cluster.servers.map(({name: server, address}): [string, HaproxyServer] => [
        `${backend}/${server}`,
        {backend, server, address, port: 5432, name: null, adminState: forcedMaintenance, sessions: 0},
      ]),
    )
    this.#servers = new Map(all)
  }

  follow(snapshot: Snapshot) {
    const {steps, problems} = planHaproxy({backends, fallback}, this.#withSessions(), snapshot)
    for (const {command} of steps) this.#carryOut(command)
    const hosts = Object.keys(snapshot.hosts)
    return {
      writers: eligibleHosts({role: 'primary', hosts, snapshot, fallback}),
      readers: eligibleHosts({role: 'replica', hosts, snapshot, fallback}),
      isUnasked: Object.values(snapshot.hosts).every((host) => isUnasked(host, snapshot)),
      commands: steps.map(({command}) => command),
      problems,
    }
  }

  #withSessions(): readonly HaproxyServer[] {
    return [...this.#servers.values()].map((each) => {
      const {isRunning, startedAt} = this.#cluster.server(each.server)
      return isRunning && startedAt === this.#startedAt.get(`${each.backend}/${each.server}`)
        ? each
        : {...each, sessions: 0}
    })
  }

  #carryOut(command: string): void {
    const [verb, name = '', state] = command
      .replace(/^(set|shutdown sessions) server /, '$1,')
      .replace(' state ', ',')
      .split(',')
    const server = this.#servers.get(name)
    if (server === undefined) throw new Error(`HAProxy does not know: ${command}`)
    if (verb === 'shutdown sessions') this.#servers.set(name, {...server, sessions: 0})
    else if (state === 'maint') this.#servers.set(name, {...server, adminState: forcedMaintenance})
    else this.#servers.set(name, {...server, adminState: 0, sessions: server.backend === 'pg_write' ? clients : 0})
    if (state === 'ready') this.#startedAt.set(name, this.#cluster.server(server.server).startedAt)
  }
}
