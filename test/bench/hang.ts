import {setTimeout as sleep} from 'node:timers/promises'
import {hostsYaml, type PgNode, startTestCluster} from '../support/cluster.ts'
import {type Daemon, startDaemon} from './daemon.ts'
import {median, ms, type Options, quantile, type Row} from './table.ts'

/** A group is pinged fast for 10 s after a change: at rest is later than that. */
const calmMs = 11_000

/**
 * One host is frozen at rest: when it is noticed, and whether the answers about the others get slower
 * meanwhile.
 */
export async function run({short}: Options): Promise<readonly Row[]> {
  await using cluster = await startTestCluster()
  await using daemon = await startDaemon(hostsYaml(cluster))
  const [forMs, runs] = short ? [2_000, 2] : [6_000, 20]
  const rows: Row[] = []
  for (const [what, node] of [
    ['standby', cluster.node('host2')],
    ['primary', cluster.node('host1')],
  ] as const) {
    const before = await latency(daemon, forMs)
    const noticedMs: number[] = []
    const meanwhile: number[] = []
    for (let index = 0; index < runs; index += 1) {
      // Each begins at another moment between two pings.
      await sleep(calmMs + ((index * 618) % 1_000))
      noticedMs.push(await freeze(node, daemon))
      if (index === 0) meanwhile.push(await latency(daemon, forMs))
      node.thaw()
      await daemon.poll(`/v1/node/${node.name}`, ({status}) => status === 200)
    }
    const slowest = Math.max(...meanwhile)
    rows.push(
      {
        figure: `${what} frozen at rest (SIGSTOP of all its processes) → unavailable, ${runs} runs`,
        measured: `median ${ms(median(noticedMs))}, worst ${ms(quantile(noticedMs, 1))}`,
        target: 'worst ≤ 1.3 s',
        comparison: 'up to ping_interval, ping_timeout and half of that: 0.75 to 0.95 s by arithmetic',
        met: quantile(noticedMs, 1) <= 1_300,
      },
      {
        figure: `p99 of /v1/primary while the ${what} is frozen`,
        measured: ms(slowest),
        target: '≤ 1.5 × before',
        comparison: `${ms(before)} before: ${(slowest / before).toFixed(2)} ×`,
        met: slowest <= 1.5 * before,
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
