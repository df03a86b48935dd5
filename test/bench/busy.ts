import {mkdtempSync, rmSync} from 'node:fs'
import {loadavg, setPriority, tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {makeCertificates} from '../support/certificates.ts'
import {type Fakes, startFakes} from '../support/fake-postgres.ts'
import {busyLoops} from './busy-loops.ts'
import {type Daemon, startDaemon, usageOf} from './daemon.ts'
import type {Options, Row} from './table.ts'

const start = {hosts: 1_000, loops: 20, targetS: 15, giveUpS: 240}
const stops = {hosts: 30, loops: 8, count: 10, ms: 1_300, minutes: 10}

/**
 * The daemon on a busy machine: it starts with 1,000 hosts beside 20 busy loops, and it is stopped
 * for 1.3 s ten times with 30 hosts beside eight.
 */
export async function run({short, minutes, hosts}: Options): Promise<readonly Row[]> {
  return [
    ...(await startRows(hosts ?? (short ? 100 : start.hosts))),
    await stopRow(minutes ?? (short ? 1 : stops.minutes)),
  ]
}

async function startRows(hosts: number): Promise<readonly Row[]> {
  await using servers = await startServers(hosts)
  using loops = busyLoops(start.loops)
  await sleep(1_000)
  const before = Date.now()
  await using daemon = await startDaemon(servers.yaml)
  let seen = await servers.fakes.seen()
  const isOver = () => Date.now() - before > 1_000 * start.giveUpS
  while (seen.some(({probedAt}) => probedAt === null) && !isOver()) {
    await sleep(500)
    seen = await servers.fakes.seen()
  }
  const {cpuS} = usageOf(daemon.pid)
  const missing = seen.filter(({probedAt}) => probedAt === null).length
  const answeredAt = seen.map(({probedAt}) => probedAt ?? Date.now())
  const [firstS, lastS] = [Math.min(...answeredAt), Math.max(...answeredAt)].map((at) => (at - before) / 1_000)
  await sleep(3_000)
  const logins = (await servers.fakes.seen()).map((each) => each.logins)
  const [unwell, failures] = [await unwellOf(daemon), await failuresOf(daemon)]
  const most = Math.max(...logins)
  const load = `${loops.count} busy loops; load average ${loadavg()[0]?.toFixed(0)}`
  return [
    {
      figure: `start with ${hosts} hosts (TLS, SCRAM): the last first answer, from the start of the process`,
      measured: `${lastS?.toFixed(1)} s${missing > 0 ? `, and ${missing} hosts without one` : ''}`,
      target: `≤ ${start.targetS} s`,
      comparison: `the first one after ${firstS?.toFixed(1)} s; the daemon got ${cpuS.toFixed(1)} s of CPU; ${load}`,
      met: (lastS ?? Number.POSITIVE_INFINITY) <= start.targetS,
    },
    {
      figure: 'sessions opened per host; failures of hosts; hosts unavailable 3 s later',
      measured: `${sum(logins) / hosts} (most: ${most}); ${failures}; ${unwell}`,
      target: '1 each; 0; 0',
      comparison: '',
      met: most === 1 && failures === 0 && unwell === 0,
    },
  ]
}

async function stopRow(minutes: number): Promise<Row> {
  await using servers = await startServers(stops.hosts)
  using loops = busyLoops(stops.loops)
  await using daemon = await startDaemon(servers.yaml)
  await sleep(5_000)
  const before = await failuresOf(daemon)
  const restMs = Math.max(0, (minutes * 60_000) / stops.count - stops.ms)
  for (let stop = 0; stop < stops.count; stop += 1) {
    await sleep(restMs / 2)
    process.kill(daemon.pid, 'SIGSTOP')
    await sleep(stops.ms)
    process.kill(daemon.pid, 'SIGCONT')
    await sleep(restMs / 2)
  }
  const failures = (await failuresOf(daemon)) - before
  const logins = (await servers.fakes.seen()).map((each) => each.logins)
  return {
    figure: `failures: ${stops.hosts} hosts, ${minutes} minutes, the daemon stopped ${stops.count} × ${stops.ms} ms`,
    measured: `${failures}`,
    target: '0',
    comparison:
      `${loops.count} busy loops; load average ${loadavg()[0]?.toFixed(0)}; ` +
      `sessions per host: ${sum(logins) / stops.hosts}`,
    met: failures === 0,
  }
}

type Servers = AsyncDisposable & Readonly<{fakes: Fakes; yaml: string}>

/**
 * Servers that the daemon reaches over TLS, with a login by SCRAM. They have machines of their own,
 * so the busy loops do not slow them down.
 */
async function startServers(count: number): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-busy-'))
  makeCertificates(folder)
  const fakes = await startFakes(count, folder)
  if (process.getuid?.() === 0) setPriority(fakes.pid, -20)
  const ca = join(folder, 'ca.crt')
  const login = `user: pgroute66, password: pgroute66, sslmode: verify-full, sslrootcert: ${ca}`
  const groups = Array.from({length: Math.ceil(count / 3)}, (_, group) =>
    [0, 1, 2].flatMap((nth) => (3 * group + nth < count ? [`host${3 * group + nth}`] : [])),
  )
  const yaml = [
    'password_encoding: plain',
    'hosts:',
    ...fakes.ports.map((port, index) => `  host${index}: {host: 127.0.0.1, port: ${port}, ${login}}`),
    'groups:',
    ...groups.map((hosts, index) => `  group${index}: [${hosts.join(', ')}]`),
  ].join('\n')
  return {
    fakes,
    yaml,
    async [Symbol.asyncDispose]() {
      fakes.stop()
      rmSync(folder, {recursive: true, force: true})
    },
  }
}

type Wire = Readonly<{hosts: Readonly<Record<string, {role: string}>>}>

async function unwellOf(daemon: Daemon): Promise<number> {
  const {body} = await daemon.ask('/v1/snapshot')
  return Object.values((JSON.parse(body) as Wire).hosts).filter(({role}) => role === 'unavailable').length
}

/** Every server is healthy, so every failure is the daemon's own. */
async function failuresOf(daemon: Daemon): Promise<number> {
  const {body} = await daemon.ask('/metrics')
  return sum([...body.matchAll(/^pgroute66_probe_failures_total\{[^}]*\} (\d+)$/gm)].map(([, count]) => Number(count)))
}

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0)
