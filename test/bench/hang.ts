import {hostsYaml, type PgNode, startTestCluster} from '../support/cluster.ts'
import {type Daemon, startDaemon} from './daemon.ts'
import {ms, type Options, quantile, type Row} from './table.ts'

/**
 * One frozen host: when it is noticed, and whether the answers about the others get slower
 * meanwhile.
 */
export async function run({short}: Options): Promise<readonly Row[]> {
  await using cluster = await startTestCluster()
  await using daemon = await startDaemon(hostsYaml(cluster))
  const forMs = short ? 2_000 : 6_000
  const rows: Row[] = []
  for (const [what, node] of [
    ['standby', cluster.node('host2')],
    ['primary', cluster.node('host1')],
  ] as const) {
    const before = await latency(daemon, forMs)
    const noticedMs = await freeze(node, daemon)
    const meanwhile = await latency(daemon, forMs)
    node.thaw()
    await daemon.poll(`/v1/node/${node.name}`, ({status}) => status === 200)
    rows.push(
      {
        figure: `${what} frozen (SIGSTOP of all its processes) → unavailable`,
        measured: ms(noticedMs),
        target: '≤ probe.timeout + interval (2 s)',
        comparison: 'both are the defaults: 1 s and 1 s',
        met: noticedMs <= 2_000,
      },
      {
        figure: `p99 of /v1/primary while the ${what} is frozen`,
        measured: ms(meanwhile),
        target: '≤ 1.5 × before',
        comparison: `${ms(before)} before: ${(meanwhile / before).toFixed(2)} ×`,
        met: meanwhile <= 1.5 * before,
      },
    )
  }
  return rows
}

async function freeze(node: PgNode, daemon: Daemon): Promise<number> {
  const begun = performance.now()
  node.hang()
  const samples = await daemon.poll(`/v1/node/${node.name}`, ({status}) => status === 503)
  return (samples.at(-1)?.at ?? 0) - begun
}

async function latency(daemon: Daemon, forMs: number): Promise<number> {
  const end = performance.now() + forMs
  const samples = await daemon.poll('/v1/primary', ({at}) => at >= end)
  return quantile(
    samples.map((sample) => sample.ms),
    0.99,
  )
}
