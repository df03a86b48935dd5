import {onTestFinished} from 'vitest'
import {type Cluster, type ClusterOptions, startCluster} from '../../src/demo/cluster.ts'
import {type Network, network} from './network.ts'
import {type PostgresVersion, postgresql} from './postgresql.ts'

export type Lab = Readonly<{net: Network; cluster: Cluster}>

/**
 * A cluster of `version` whose servers are machines of a network, with `others` beside them (where
 * a daemon, HAProxy or a client runs). It is taken away when the test is over. Servers are reached
 * by the operator over unix sockets, whatever the network does.
 */
export async function lab(
  version: PostgresVersion,
  {nodes = 3, others = ['serve'], ...options}: ClusterOptions & {others?: readonly string[]} = {},
): Promise<Lab> {
  const binaries = await postgresql(version)
  const hosts = Array.from({length: nodes}, (_, index) => `host${index + 1}`)
  const net = await network([...hosts, ...others])
  onTestFinished(() => net[Symbol.asyncDispose]())
  const cluster = await startCluster({
    nodes,
    binaries,
    hba: ['host all pgroute66 samenet trust'],
    place: (name) => net.node(name),
    ...options,
  })
  onTestFinished(() => cluster[Symbol.asyncDispose]())
  return {net, cluster}
}
