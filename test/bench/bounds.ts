import {setTimeout as sleep} from 'node:timers/promises'
import {loadConfig} from '../../src/config/load.ts'
import {boundsOf} from '../../src/core/reports/bounds.ts'
import {hostsYaml, type PgNode, startTestCluster} from '../support/cluster.ts'
import {type Daemon, startDaemon} from './daemon.ts'
import {median, ms, type Options, quantile, type Row} from './table.ts'

/** A group is pinged fast for 10 s after a change: at rest is later than that. */
const calmMs = 11_000
/** Between the stop of the last process and the look of this bench at the API. */
const ownMs = 150

/**
 * The bounds that `config check` prints, beside real servers: a primary that freezes is noticed within
 * them, and one that is away for a little less than the bound for false alarms is not.
 */
export async function run({short, runs}: Options): Promise<readonly Row[]> {
  const count = runs ?? (short ? 2 : 10)
  const rows: Row[] = []
  for (const profile of ['fast', 'normal', 'wan'] as const) {
    await using cluster = await startTestCluster({nodes: 2})
    const text = `${hostsYaml(cluster)}\nprofile: ${profile}`
    await using daemon = await startDaemon(text)
    const config = await loadConfig({path: `${daemon.folder}/pgroute66.yml`, env: {}, cwd: daemon.folder})
    const {noticedMs, falseAlarmMs} = boundsOf(config.probe, config.groups)
    const node = cluster.node('host1')
    const noticed: number[] = []
    let alarms = 0
    for (let index = 0; index < count; index += 1) {
      await sleep(calmMs + ((index * 618) % 1_000))
      noticed.push(await freeze(node, daemon))
    }
    // Later, because an answer that comes late makes the limits longer for a while.
    for (let index = 0; index < count; index += 1) {
      await sleep(calmMs + ((index * 618) % 1_000))
      if (await isNoticed(node, daemon, 0.8 * falseAlarmMs)) alarms += 1
    }
    const {from, to} = noticedMs
    const isWithin = quantile(noticed, 0) >= from - ownMs && quantile(noticed, 1) <= to + ownMs
    rows.push(
      {
        figure: `${profile}: the primary frozen → unavailable, ${count} runs`,
        measured: `${ms(quantile(noticed, 0))} to ${ms(quantile(noticed, 1))}, median ${ms(median(noticed))}`,
        target: `${ms(from)} to ${ms(to)}`,
        comparison: `± ${ms(ownMs)} of this bench`,
        met: isWithin,
      },
      {
        figure: `${profile}: the primary away for ${ms(0.8 * falseAlarmMs)}, ${count} runs`,
        measured: `${alarms} alarms`,
        target: '0',
        comparison: `the bound is ${ms(falseAlarmMs)}`,
        met: alarms === 0,
      },
    )
  }
  return rows
}

async function isNoticed(node: PgNode, daemon: Daemon, forMs: number): Promise<boolean> {
  const thawAt = performance.now() + forMs
  node.hang()
  setTimeout(() => node.thaw(), forMs)
  const until = thawAt + 2_000
  const samples = await daemon.poll(`/v1/node/${node.name}`, ({status, at}) => status === 503 || at >= until)
  return samples.at(-1)?.status === 503
}

async function freeze(node: PgNode, daemon: Daemon): Promise<number> {
  const begun = performance.now()
  node.hang()
  const samples = await daemon.poll(`/v1/node/${node.name}`, ({status}) => status === 503)
  node.thaw()
  await daemon.poll(`/v1/node/${node.name}`, ({status}) => status === 200)
  return (samples.at(-1)?.at ?? 0) - begun
}
