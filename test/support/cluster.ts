import {execFileSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {onTestFinished} from 'vitest'
import {type Cluster, type ClusterOptions, startCluster} from '../../src/demo/cluster.ts'
import type {PgNode} from '../../src/demo/node.ts'

export type {Cluster} from '../../src/demo/cluster.ts'
export {type PgNode, until} from '../../src/demo/node.ts'

/** Debian's PostgreSQL 15. */
export const debian = '/usr/lib/postgresql/15/bin'
export const hasDebian = existsSync(join(debian, 'postgres'))

export type TestClusterOptions = ClusterOptions &
  Readonly<{
    /** Certificates for 127.0.0.1 by an authority of our own; `pgroute66` gets in over TLS alone, by scram. */
    tls?: boolean
    /** `pgroute66` needs its password. */
    scram?: boolean
  }>

/** Starts a cluster on Debian's PostgreSQL (the embedded one where that is missing) and takes it away when the test is over, however it ends. */
export async function testCluster(options: TestClusterOptions = {}): Promise<Cluster> {
  const cluster = await startTestCluster(options)
  onTestFinished(() => cluster[Symbol.asyncDispose]())
  return cluster
}

/** The same for whoever disposes it himself: `beforeAll`, benchmarks. */
export function startTestCluster({tls = false, scram = false, conf = [], hba, ...options}: TestClusterOptions = {}): Promise<Cluster> {
  const method = scram || tls ? 'scram-sha-256' : 'trust'
  return startCluster({
    ...(hasDebian ? {binaries: debian} : {}),
    ...options,
    conf: [...(tls ? ['ssl = on', "ssl_cert_file = '../server.crt'", "ssl_key_file = '../server.key'"] : []), ...conf],
    hba: hba ?? [`${tls ? 'hostssl' : 'host'} all pgroute66 127.0.0.1/32 ${method}`],
    async prepare(folder, own) {
      if (tls) {
        makeCertificates(folder)
        await own(join(folder, 'server.crt'))
        await own(join(folder, 'server.key'))
      }
      await options.prepare?.(folder, own)
    },
  })
}

/** `ca.crt`, and `server.crt` + `server.key` for localhost and 127.0.0.1 (also good for the daemon). */
export function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, {cwd: folder, stdio: ['ignore', 'ignore', 'pipe']})
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '30', '-subj', '/CN=pgroute66 test CA')
  openssl(
    'req',
    '-x509',
    ...ec,
    '-keyout',
    'server.key',
    '-out',
    'server.crt',
    '-days',
    '30',
    '-subj',
    '/CN=localhost',
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  )
}

/** A config file's hosts part for this cluster. */
export const hostsYaml = (cluster: Cluster, extra = ''): string =>
  [
    'password_encoding: plain',
    'hosts:',
    ...cluster.nodes.map(
      ({name, port}) => `  ${name}: {host: 127.0.0.1, port: "${port}", user: pgroute66, password: pgroute66, dbname: postgres${extra}}`,
    ),
  ].join('\n')

/** Puts `node` back as a standby of `source`: the same data by pg_rewind where that is installed, else a new clone. */
export async function rejoin(node: PgNode, source: PgNode): Promise<void> {
  await node.kill()
  await node.cloneFrom(source)
  await node.start()
}
