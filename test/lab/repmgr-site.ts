import {request} from 'node:http'
import {join} from 'node:path'
import {repmgrGrants} from '../../src/core/ha-tools/repmgr.ts'
import type {WireGroup} from '../../src/protocol/snapshot-json.ts'
import {Writer, writtenTable} from '../bench/writer.ts'
import {adapted} from '../support/adapted.ts'
import {type PgNode, until} from '../support/cluster.ts'
import {type Haproxy, startHaproxy} from '../support/haproxy.ts'
import {primgrCfg} from '../support/primgr-cfg.ts'
import {type LabNode, type Network, network} from './network.ts'
import {Program} from './program.ts'
import {type RepmgrCluster, repmgrCluster, witnessName} from './repmgr.ts'
import {type LabServe, startLabServe} from './serve.ts'

/** A machine with HAProxy on primgr's template, and a client that writes through it all the time. */
export type Router = Readonly<{name: string; haproxy: Haproxy; writer: Writer; writers(): Promise<readonly string[]>}>

/**
 * An installation of primgr on machines of a network, with pgroute66 in the place of primgr: host1 to
 * host3 in location `mr` with the witness, host4 in `mm`, a daemon beside each host, and two routers.
 */
export interface RepmgrSite extends AsyncDisposable {
  readonly net: Network
  readonly repmgr: RepmgrCluster
  readonly daemons: Readonly<Record<string, LabServe & Disposable>>
  readonly routers: readonly [Router, Router]
  /** The names of all machines. */
  readonly machines: readonly string[]
  /** What primgr's port on the machine of a host says, whatever the network does: `200 {"State":"Primary"}`. */
  primgr(host: string, path?: string): Promise<string>
  /** What the daemon beside a host says of the group; `null`: it does not answer. */
  group(host: string): Promise<WireGroup | null>
  /** What repmgr says of `subject` to the daemon beside `host`: `confirms 3 of 3 …`. */
  said(host: string, subject: string): Promise<string>
  /** `old` runs again as a standby of `primary`, and all is as in the beginning. */
  restore(old: PgNode, primary: PgNode): Promise<void>
}

const dataNodes = ['host1', 'host2', 'host3', 'host4']
const machines = [...dataNodes, witnessName, 'lb1', 'lb2']

/** `inter`: how often HAProxy asks. As published, it needs up to a minute to notice anything. */
export async function repmgrSite({inter}: Readonly<{inter: string}>): Promise<RepmgrSite> {
  await using stack = new AsyncDisposableStack()
  const net = stack.use(await network(machines))
  const location = (name: string) => (name === 'host4' ? 'mm' : 'mr')
  const repmgr = stack.use(await repmgrCluster({net, nodes: dataNodes.length, location}))
  const {cluster} = repmgr
  const host1 = cluster.node('host1')
  await host1.sql(writtenTable)
  for (const grant of repmgrGrants('pgroute66', {schema: 'repmgr'})) await repmgr.sql(host1, grant)

  const daemonOn = async (on: string) => {
    const lines = ['confirm: [repmgr]', 'repmgr: {}', `local: ${on}`, 'local_api: {primgr: {}}']
    return [on, stack.use(await startLabServe({net, cluster}, {on, more: lines}))] as const
  }
  const daemons = Object.fromEntries(await Promise.all(dataNodes.map(daemonOn)))
  const doors = new Map(
    dataNodes.map((name) => {
      const door = Door.open(cluster.folder, net.node(name))
      stack.defer(() => door.close())
      return [name, door] as const
    }),
  )
  const routers = [await routerOn('lb1', net, inter, stack), await routerOn('lb2', net, inter, stack)] as const
  const kept = stack.move()
  const group = async (host: string) => JSON.parse((await daemons[host]?.get('/v1/groups/all')) ?? 'null')
  return {
    net,
    repmgr,
    daemons,
    routers,
    machines,
    primgr: async (host, path = '/state') => (await doors.get(host)?.ask(path)) ?? '',
    group,
    async said(host, subject) {
      const {evidence = []} = ((await group(host)) ?? {}) as Partial<WireGroup>
      const found = evidence.find((item) => item.source === 'repmgr' && item.subject === subject)
      return found ? `${found.answer} ${found.why}` : ''
    },
    restore: (old, primary) => restore(repmgr, old, primary),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function restore(repmgr: RepmgrCluster, old: PgNode, primary: PgNode): Promise<void> {
  await repmgr.stopDaemons()
  await old.rewindTo(primary)
  await old.start()
  for (const standby of repmgr.cluster.nodes) {
    if (standby === primary) continue
    if (standby !== old) await follows(standby, primary)
    await repmgr.registerStandby(standby, primary)
  }
  await repmgr.registerWitness(primary)
  await Promise.all([...repmgr.cluster.nodes, repmgr.witness].map(repmgr.startDaemon))
}

/** A standby that the old primary had sent more than the new one cannot follow the new one: it becomes a copy. */
async function follows(standby: PgNode, primary: PgNode): Promise<void> {
  await standby.follow(primary)
  // Not what pg_stat_replication says: such a standby connects again and again, and streams for a moment.
  const [mark] = await primary.sql("insert into written (port, key) values (0, 'mark') returning id")
  const isThere = `select from written where key = 'mark' and id = ${mark?.id}`
  const isSo = async () => (await standby.sql(isThere).catch(() => [])).length === 1
  await until(isSo, 5_000).catch(async () => {
    await standby.cloneFrom(primary)
    await standby.start()
  })
}

async function routerOn(name: string, net: Network, inter: string, stack: AsyncDisposableStack): Promise<Router> {
  const servers = Object.fromEntries(dataNodes.map((host) => [host, net.node(host).address]))
  const file = adapted(primgrCfg(servers), {
    // The client is in the process of the test, which has no place in the network.
    'bind *:5432\n': 'bind unix@{folder}/.s.PGSQL.5432\n',
    'inter 20s': `inter ${inter}`,
  })
  const haproxy = stack.use(await startHaproxy(file, {within: net.node(name).within}))
  const writer = stack.use(new Writer(5432, name, {host: haproxy.folder, identity: 'host'}))
  const writers = async () => {
    const states = await haproxy.states().catch(() => ({}) as Readonly<Record<string, string>>)
    return dataNodes.filter((host) => /^UP/.test(states[`Primary/${host}`] ?? ''))
  }
  return {name, haproxy, writer, writers}
}

/** The way to primgr's port of a machine, by a unix socket: the test has no place in the network. */
class Door {
  readonly #path: string
  readonly #relay: Program

  private constructor(path: string, relay: Program) {
    this.#path = path
    this.#relay = relay
  }

  static open(folder: string, {name, within}: LabNode): Door {
    const path = join(folder, `${name}.primgr.sock`)
    const relay = new Program(
      folder,
      `${name}.relay`,
      [...within, '/usr/bin/socat', `UNIX-LISTEN:${path},fork`, 'TCP:127.0.0.1:5999'],
      null,
    )
    relay.start()
    return new Door(path, relay)
  }

  close(): Promise<void> {
    return this.#relay.kill()
  }

  /** Empty: no answer. */
  ask(path: string): Promise<string> {
    return new Promise((resolve) => {
      request({socketPath: this.#path, path, agent: false}, async (response) => {
        let body = ''
        for await (const part of response.setEncoding('utf8')) body += part
        resolve(`${response.statusCode} ${body}`)
      })
        .on('error', () => resolve(''))
        .end()
    })
  }
}
