import {setTimeout as sleep} from 'node:timers/promises'
import {startFakes} from '../support/fake-postgres.ts'
import {type Daemon, startDaemon, usageOf} from './daemon.ts'
import {type Options, quantile, type Row} from './table.ts'

const intervalMs = 1_000
const knockMs = 5_000
/**
 * After the first answers every group is probed at its fast pace for 10 s: that is the start, not
 * the rest.
 */
const warmUpMs = 17_000
/** Timers of node are a millisecond coarse, and everybody who is due at once waits for his turn. */
const slackMs = 100

type Measured = Readonly<{
  hosts: number
  cpu: number
  rssMb: number
  probes: number
  oldestMs: number
  lagMs: number
  unwell: number
}>

/**
 * 10, 100 and 1,000 hosts in groups of three at rest, each asked every second and knocked at every
 * five.
 */
export async function run({short}: Options): Promise<readonly Row[]> {
  // Longer for the few hosts: what they cost is little, and little is noisy.
  const windows = short ? [20_000, 10_000, 10_000] : [60_000, 30_000, 30_000]
  const measured: Measured[] = []
  for (const [index, hosts] of [10, 100, 1_000].entries()) measured.push(await measure(hosts, windows[index] ?? 10_000))
  const [few, some, many] = measured as [Measured, Measured, Measured]
  const perHost = ({cpu, hosts}: Measured) => cpu / hosts
  const table = measured.map((one) => `${one.hosts}: ${perHost(one).toFixed(3)} %`).join(', ')
  return [
    ...measured.map((one) => ({
      figure: `serve on ${one.hosts} hosts, interval 1 s: CPU; most memory`,
      measured: `${one.cpu.toFixed(1)} % of a core; ${one.rssMb.toFixed(0)} MB`,
      target: one === many ? '≤ 30 %; ≤ 250 MB' : '',
      comparison: one === many ? `${(one.cpu / some.cpu).toFixed(1)} × the CPU of 100 hosts` : '',
      met: one === many ? one.cpu <= 30 && one.rssMb <= 250 : null,
    })),
    {
      figure: 'CPU per host',
      measured: table,
      target: 'flat: 1,000 ≤ 1.25 × 10, and 100',
      comparison:
        `at 1,000: ${(perHost(many) / perHost(few)).toFixed(2)} × 10, ` +
        `${(perHost(many) / perHost(some)).toFixed(2)} × 100`,
      met: perHost(many) <= 1.25 * Math.min(perHost(few), perHost(some)),
    },
    {
      figure: 'probed on time: probes per host and second; the oldest answer of any host',
      measured: measured
        .map(({hosts, probes, oldestMs}) => `${hosts}: ${probes.toFixed(3)}, ${oldestMs.toFixed(0)} ms`)
        .join('; '),
      target: `≥ 0.98; ≤ interval + ${slackMs} ms`,
      comparison: `event loop late by at most ${measured.map(({lagMs}) => lagMs.toFixed(0)).join(', ')} ms`,
      met: measured.every(
        ({probes, oldestMs, unwell}) => probes >= 0.98 && oldestMs <= intervalMs + slackMs && unwell === 0,
      ),
    },
  ]
}

async function measure(hosts: number, forMs: number): Promise<Measured> {
  const fakes = await startFakes(hosts)
  try {
    await using daemon = await startDaemon(yamlOf(fakes.ports))
    await sleep(warmUpMs)
    // Nobody asks while the CPU is counted: an answer about a thousand hosts costs more than many
    // probes of them.
    const before = {...(await metrics(daemon)), ...usageOf(daemon.pid), at: performance.now()}
    const rssMb = await highest(daemon.pid, forMs)
    const usage = usageOf(daemon.pid)
    const after = {...(await metrics(daemon)), at: performance.now()}
    const seconds = (after.at - before.at) / 1_000
    return {
      hosts,
      cpu: ((usage.cpuS - before.cpuS) / seconds) * 100,
      rssMb,
      probes: (after.probes - before.probes) / hosts / seconds,
      lagMs: after.lagMs,
      ...(await ages(daemon, hosts)),
    }
  } finally {
    fakes.stop()
  }
}

/** Memory goes up and down with the garbage: a single look would be a lottery. */
async function highest(pid: number, forMs: number): Promise<number> {
  let rssMb = 0
  for (const end = performance.now() + forMs; performance.now() < end; await sleep(500))
    rssMb = Math.max(rssMb, usageOf(pid).rssMb)
  return rssMb
}

type Wire = Readonly<{hosts: Readonly<Record<string, {role: string; age_ms: number | null}>>}>

/**
 * Age counts from when the question left: between two answers it grows to the interval, and beyond
 * it by what the second one is late.
 */
async function ages(daemon: Daemon, hosts: number): Promise<Pick<Measured, 'oldestMs' | 'unwell'>> {
  const looks = []
  for (let look = 0; look < 20; look += 1) {
    const {body} = await daemon.ask('/v1/snapshot')
    const shown = Object.values((JSON.parse(body) as Wire).hosts)
    looks.push({
      oldestMs: Math.max(...shown.map(({age_ms}) => age_ms ?? Number.POSITIVE_INFINITY)),
      unwell: hosts - shown.filter(({role}) => role !== 'unavailable').length,
    })
    await sleep(137)
  }
  return {
    oldestMs: quantile(
      looks.map(({oldestMs}) => oldestMs),
      1,
    ),
    unwell: Math.max(...looks.map(({unwell}) => unwell)),
  }
}

/** The lag is the longest since it was last read. */
async function metrics(daemon: Daemon): Promise<Readonly<{probes: number; lagMs: number}>> {
  const {body} = await daemon.ask('/metrics')
  const counts = [...body.matchAll(/^pgroute66_probe_duration_seconds_count\{[^}]*\} (\d+)$/gm)]
  const lag = /^pgroute66_event_loop_lag_seconds (\S+)$/m.exec(body)?.[1]
  return {probes: counts.reduce((sum, [, count]) => sum + Number(count), 0), lagMs: Number(lag) * 1_000}
}

function yamlOf(ports: readonly number[]): string {
  const groups = Array.from({length: Math.ceil(ports.length / 3)}, (_, group) =>
    ports.slice(3 * group, 3 * group + 3).map((_, index) => `host${3 * group + index}`),
  )
  return [
    `probe: {interval: ${intervalMs}ms, knock_interval: ${knockMs}ms}`,
    'hosts:',
    ...ports.map(
      (port, index) => `  host${index}: {host: 127.0.0.1, port: ${port}, user: pgroute66, sslmode: disable}`,
    ),
    'groups:',
    ...groups.map((hosts, index) => `  group${index}: [${hosts.join(', ')}]`),
  ].join('\n')
}
