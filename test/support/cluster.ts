import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {onTestFinished} from 'vitest'
import {type Cluster, type ClusterOptions, startCluster} from '../../src/demo/cluster.ts'
import type {PgNode} from '../../src/demo/node.ts'
import {makeCertificates} from './certificates.ts'

export type {Cluster} from '../../src/demo/cluster.ts'
export type {PgNode} from '../../src/demo/node.ts'
export {until} from '../../src/demo/wait-until.ts'

/** Debian's PostgreSQL 15. */
export const debian = '/usr/lib/postgresql/15/bin'
export const hasDebian = existsSync(join(debian, 'postgres'))

export type TestClusterOptions = ClusterOptions &
  Readonly<{
    /** Which PostgreSQL; default: Debian's, else the embedded one. */
    server?: 'debian' | 'embedded'
    /**
     * Certificates for 127.0.0.1 by an authority of our own (`caOf`); `pgroute66` gets in over TLS
     * alone, by scram.
     */
    tls?: boolean
    /** `pgroute66` needs its password, which is "pgroute66". */
    scram?: boolean
    /** host2 streams from host1, host3 from host2, and so on. */
    cascade?: boolean
    /** `synchronous_standby_names` of host1, set once all standbys stream. */
    synchronous?: string
    /** A line in the log for every connection; else there is none. */
    logConnections?: boolean
  }>

/**
 * Starts a cluster on Debian's PostgreSQL (the embedded one where that is missing) and takes it
 * away when the test is over, however it ends.
 */
export async function testCluster(options: TestClusterOptions = {}): Promise<Cluster> {
  const cluster = await startTestCluster(options)
  onTestFinished(() => cluster[Symbol.asyncDispose]())
  return cluster
}

/** The same for callers that dispose of the cluster: `beforeAll`, benchmarks. */
export async function startTestCluster(asked: TestClusterOptions = {}): Promise<Cluster> {
  const {
    server = hasDebian ? 'debian' : 'embedded',
    tls = false,
    scram = false,
    cascade = false,
    synchronous,
    logConnections = false,
    conf = [],
    ...options
  } = asked
  const method = scram || tls ? 'scram-sha-256' : 'trust'
  const common = [
    ...(tls ? ['ssl = on', "ssl_cert_file = '../server.crt'", "ssl_key_file = '../server.key'"] : []),
    ...(logConnections ? ['log_connections = on', 'log_disconnections = on'] : []),
  ]
  const cluster = await startCluster({
    ...(server === 'debian' ? {binaries: debian} : {}),
    hba: [`${tls ? 'hostssl' : 'host'} all pgroute66 127.0.0.1/32 ${method}`],
    ...(cascade ? {upstreams: inARow(options.nodes ?? 3)} : {}),
    ...options,
    conf: (name) => [...common, ...(typeof conf === 'function' ? conf(name) : conf)],
    async prepare(folder, own) {
      if (tls) {
        makeCertificates(folder)
        await own(join(folder, 'server.crt'))
        await own(join(folder, 'server.key'))
      }
      await options.prepare?.(folder, own)
    },
  })
  if (synchronous !== undefined) {
    // Not in its configuration: with no standby there yet, the statements that set the cluster up
    // would wait for one.
    const [primary] = cluster.nodes
    await primary?.sql(`alter system set synchronous_standby_names = '${synchronous}'`)
    await primary?.sql('select pg_reload_conf()')
  }
  return cluster
}

const inARow = (count: number): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from({length: count - 1}, (_, index) => [`host${index + 2}`, `host${index + 1}`]))

/** The authority behind a cluster with `tls`: for `sslrootcert`. */
export const caOf = ({folder}: Cluster): string => join(folder, 'ca.crt')

/** A config file's hosts part for this cluster. */
export const hostsYaml = (cluster: Cluster, extra = ''): string =>
  [
    'password_encoding: plain',
    'hosts:',
    ...cluster.nodes.map(
      ({name, port}) =>
        `  ${name}: {host: 127.0.0.1, port: "${port}", user: pgroute66, password: pgroute66, dbname: postgres${extra}}`,
    ),
  ].join('\n')

/**
 * Puts `node` back as a standby of `source`: by pg_rewind where that is installed, else as a new
 * copy.
 */
export async function rejoin(node: PgNode, source: PgNode): Promise<void> {
  await node.rewindTo(source)
  await node.start()
}

/** The names of those that stream from `node`, sorted. */
export async function followersOf(node: PgNode): Promise<readonly string[]> {
  const rows = await node.sql(
    "select application_name as name from pg_stat_replication where state = 'streaming' order by 1",
  )
  return rows.map(({name}) => name)
}
