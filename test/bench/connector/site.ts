import {readFileSync} from 'node:fs'
import type pg from 'pg'
import {connect} from '../../../src/connector/index.ts'
import type {ConnectOptions, Connector, Database} from '../../../src/connector/types.ts'
import {freePorts} from '../../../src/demo/free-ports.ts'
import {Callers, type CallersOptions, callersTable, onAStandby, spread} from '../../connector/callers.ts'
import {type Cluster, caOf, hostsYaml, type PgNode, startTestCluster, until} from '../../support/cluster.ts'
import {type Pgbouncer, startPgbouncer} from '../../support/pgbouncer.ts'
import {type LastingDaemon, lastingDaemon} from './daemon.ts'
import {Names} from './names.ts'
import {Relay} from './relay.ts'

const probe = {interval: '300ms', timeout: '3s', max_age: '6s'}
/** The name of host3 for the monitor of this process, and where it may lead. */
const name = 'host3.bench'
const places = ['127.0.66.1', '127.0.66.2']

/**
 * Three servers that take applications over TLS alone, and three ways to them: a monitor of this
 * process, which knows host3 by a name; a daemon; and a daemon, with PgBouncer between.
 */
export type Site = AsyncDisposable &
  Readonly<{
    cluster: Cluster
    daemon: LastingDaemon
    pgbouncer: Pgbouncer
    connectors: readonly Connector[]
    dbs: readonly Database[]
    primary(): PgNode
    /** The standby that was not taken last, so that both have their turn. */
    standby(): PgNode
    /** The name leads to another address, and the old one is gone. */
    moveName(): Promise<void>
    /** Until each way offers all standbys. */
    settled(): Promise<void>
  }>

export async function startSite(): Promise<Site> {
  await using parts = new AsyncDisposableStack()
  const cluster = parts.use(
    await startTestCluster({tls: true, synchronous: onAStandby, conf: ['max_connections = 200']}),
  )
  await cluster.node('host1').sql(callersTable)
  const secure = `, sslmode: verify-full, sslrootcert: ${caOf(cluster)}`
  const daemon = parts.use(
    await lastingDaemon(`${hostsYaml(cluster, secure)}\nprobe: {interval: 300ms, timeout: 3s, max_age: 6s}`),
  )
  const moving = await movingName(parts, cluster.node('host3').port)
  const pgbouncer = parts.use(await bouncer(cluster))
  const ca = readFileSync(caOf(cluster), 'utf8')
  const ssl = {ca, checkServerIdentity: () => undefined}
  const connection = {user: 'pgroute66', password: 'pgroute66', database: 'postgres', ssl}
  const open = async (options: ConnectOptions, hosts: Record<string, Partial<pg.ClientConfig>> = {}) => {
    // What is looked for is what is lost, and a busy machine is slow.
    const waits = {read: {wait: '2m'}, write: {wait: '2m'}, pool: {connectionTimeoutMillis: 15_000}} as const
    return connect({databases: {default: {connection, hosts, ...waits}}, patience: '60s', ...options})
  }
  const through = {host: '127.0.0.1', port: pgbouncer.port, user: 'postgres', password: 'secret', ssl: false}
  const connectors = [
    await open({config: monitorOf(cluster, moving.port)}),
    await open({daemon: daemon.url}),
    await open(
      {daemon: daemon.url},
      Object.fromEntries(cluster.nodes.map(({name}) => [name, {...through, database: name}])),
    ),
  ]
  for (const connector of connectors) parts.defer(() => connector.close({grace: '1s'}))
  const dbs = connectors.map((connector) => connector.use())
  const primary = () => cluster.node(dbs[0]?.verdict.routedTo ?? 'host1')
  const others = () => cluster.nodes.filter((node) => node !== primary())
  let turn = 0
  const site = {
    ...{cluster, daemon, pgbouncer, connectors, dbs, primary},
    standby: () => others()[turn++ % 2] as PgNode,
    moveName: moving.move,
    settled: () =>
      until(
        () =>
          dbs.every((db) => db.verdict.routedTo === primary().name && others().every(({name}) => isServing(db, name))),
        600_000,
      ),
  }
  await site.settled()
  const all = parts.move()
  return {...site, [Symbol.asyncDispose]: () => all.disposeAsync()}
}

const isServing = (db: Database, host: string) => db.node(host).role === 'standby' && db.node(host).lagBytes !== null

/** 200 callers at full load, shared among the three ways. */
export const callersOf = ({dbs}: Site, {readers, writers, ...options}: CallersOptions): readonly Callers[] =>
  dbs.map(
    (db, index) =>
      new Callers(db, {
        ...options,
        from: index * spread,
        readers: Math.round(readers / dbs.length),
        writers: Math.round(writers / dbs.length),
      }),
  )

async function movingName(parts: AsyncDisposableStack, target: number) {
  const names = parts.use(new Names())
  const held = parts.use(await freePorts(1))
  const port = held.ports[0] ?? 0
  let relay: Relay | null = null
  let turn = 0
  parts.defer(async () => relay?.[Symbol.asyncDispose]())
  const move = async () => {
    const place = places[turn++ % places.length] ?? ''
    const next = new Relay({host: '127.0.0.1', port: target})
    await next.listen(place, port)
    names.lead(name, place)
    const old = relay
    relay = next
    await old?.[Symbol.asyncDispose]()
  }
  await move()
  return {port, move}
}

/** PgBouncer leads to each server by a database of its name. It drops the option that makes reads read-only. */
const bouncer = ({nodes}: Cluster): Promise<Pgbouncer> =>
  startPgbouncer({
    after: nodes.map(({name, port}) => `${name} = host=127.0.0.1 port=${port} dbname=postgres pool_size=30`).join('\n'),
    isWithoutInclude: true,
    settings: ['ignore_startup_parameters = extra_float_digits, options', 'max_client_conn = 500'],
  })

const monitorOf = (cluster: Cluster, port: number) => {
  const login = {user: 'pgroute66', password: 'pgroute66', dbname: 'postgres'}
  const tls = {sslmode: 'verify-ca', sslrootcert: caOf(cluster)}
  const hosts = cluster.nodes.map(
    (node) => [node.name, {...login, ...tls, host: '127.0.0.1', port: node.port}] as const,
  )
  return {
    ...{password_encoding: 'plain', probe},
    hosts: {...Object.fromEntries(hosts), host3: {...login, ...tls, host: name, port}},
  }
}
