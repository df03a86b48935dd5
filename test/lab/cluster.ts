import {join} from 'node:path'
import {onTestFinished} from 'vitest'
import {type Cluster, type ClusterOptions, startCluster} from '../../src/demo/cluster.ts'
import {makeCertificates} from '../support/certificates.ts'
import {type Network, network} from './network.ts'
import {type PostgresVersion, postgresql} from './postgresql.ts'

export type Lab = Readonly<{net: Network; cluster: Cluster}>
type LabOptions = ClusterOptions & Readonly<{others?: readonly string[]; tls?: boolean}>

/**
 * A cluster of `version` whose servers are machines of a network, with `others` beside them (where
 * a daemon, HAProxy or a client runs). It is taken away when the test is over. Servers are reached
 * by the operator over unix sockets, whatever the network does. `tls`: `pgroute66` gets in over TLS
 * alone, by SCRAM.
 */
export async function lab(version: PostgresVersion, options: LabOptions = {}): Promise<Lab> {
  const started = await startLab(version, options)
  onTestFinished(() => started[Symbol.asyncDispose]())
  return started
}

/** The same for benches, which dispose of it. */
export async function startLab(
  version: PostgresVersion,
  {nodes = 3, others = ['serve'], tls = false, ...options}: LabOptions = {},
): Promise<Lab & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const binaries = await postgresql(version)
  const hosts = Array.from({length: nodes}, (_, index) => `host${index + 1}`)
  const net = stack.use(await network([...hosts, ...others]))
  const cluster = stack.use(
    await startCluster({
      nodes,
      binaries,
      hba: [tls ? 'hostssl all pgroute66 samenet scram-sha-256' : 'host all pgroute66 samenet trust'],
      ...(tls ? withTls : {}),
      place: (name) => net.node(name),
      ...options,
    }),
  )
  const kept = stack.move()
  return {net, cluster, [Symbol.asyncDispose]: () => kept.disposeAsync()}
}

const withTls: ClusterOptions = {
  conf: ['ssl = on', "ssl_cert_file = '../server.crt'", "ssl_key_file = '../server.key'"],
  async prepare(folder, own) {
    makeCertificates(folder)
    await own(join(folder, 'server.crt'))
    await own(join(folder, 'server.key'))
  },
}
