import {type Etcd, startEtcd} from '../support/etcd.ts'
import {startFakes} from '../support/fake-postgres.ts'
import {playSharedHistory} from '../support/shared/history.ts'
import {type RealNode, RealSet} from '../support/shared/site.ts'
import {ms, type Options, type Row} from './table.ts'

const ttlMs = 10_000
const maxAgeMs = 3_000

/** Instances that share groups: random histories by the product's core, then three real processes over etcd. */
export async function run({short, runs, hosts, minutes}: Options): Promise<readonly Row[]> {
  const groups = Math.floor((hosts ?? (short ? 30 : 900)) / 3)
  return [
    await histories(runs ?? (short ? 100 : 10_000)),
    ...(await real({groups, minutes: minutes ?? (short ? 1 : 10)})),
  ]
}

async function histories(count: number): Promise<Row> {
  let [checks, takeovers] = [0, 0]
  let breach: string | null = null
  for (let seed = 0; seed < count && breach === null; seed += 1) {
    try {
      const played = await playSharedHistory(seed)
      checks += played.checks
      takeovers += played.takeovers
    } catch (error) {
      breach = (error as Error).message.split('\n')[0] ?? ''
    }
  }
  const number = (value: number) => value.toLocaleString('en')
  return {
    figure: `${number(count)} histories of 3 to 5 instances that die, freeze, lose etcd and each other`,
    measured: breach ?? `0 wrong routes in ${number(checks)} looks, over ${number(takeovers)} takeovers`,
    target: '0 wrong routes',
    comparison: '',
    met: breach === null,
  }
}

type Size = Readonly<{groups: number; minutes: number}>

async function real({groups, minutes}: Size): Promise<readonly Row[]> {
  const fakes = await startFakes(3 * groups)
  const names = Array.from({length: groups}, (_, index) => `g${index}`)
  const host = (index: number) =>
    `  h${index}: {host: 127.0.0.1, port: ${fakes.ports[index]}, user: p, sslmode: disable}`
  const members = (index: number) => `  g${index}: [h${3 * index}, h${3 * index + 1}, h${3 * index + 2}]`
  const yaml = [
    'hosts:',
    ...fakes.ports.map((_, index) => host(index)),
    'groups:',
    ...names.map((_, index) => members(index)),
  ].join('\n')
  const etcd = await startEtcd({count: 3})
  try {
    const rows: Row[] = []
    for (const standby of [0, 1]) {
      await using set = await RealSet.make({endpoints: etcd.urls, hosts: yaml, more: `, standby: ${standby}`})
      await set.startAll()
      await settled(set, names)
      if (standby === 0) rows.push(...(await atRest(etcd, {groups, minutes})))
      rows.push(await takeover(set, names, standby === 1))
      await Promise.all(set.running.map(({id}) => set.kill(id, 'SIGTERM')))
    }
    return rows
  } finally {
    await etcd[Symbol.asyncDispose]()
    fakes.stop()
  }
}

/** Every instance routes each group to its primary, and the owners are evenly spread. */
async function settled(set: RealSet, names: readonly string[]): Promise<void> {
  const isDone = async (node: RealNode) => {
    const snapshot = await node.snapshot()
    return names.every((name, index) => snapshot?.groups[name]?.verdict.routed_to === `h${3 * index}`)
  }
  await until(async () => (await Promise.all(set.running.map(isDone))).every(Boolean))
  await pause(5_000)
}

async function atRest(etcd: Etcd, {groups, minutes}: Size): Promise<readonly Row[]> {
  const before = await sizeOf(etcd)
  await pause(minutes * 60_000)
  const after = await sizeOf(etcd)
  const writes = (after.revision - before.revision) / (minutes * 60)
  const perHour = ((after.bytes - before.bytes) / minutes) * 60
  return [
    {
      figure: `writes to etcd at rest, ${groups} groups, in ${minutes} minutes (leases aside)`,
      measured: `${writes.toFixed(2)} per second`,
      target: '1 per second',
      comparison: '',
      met: writes <= 1,
    },
    {
      figure: 'growth of etcd at rest',
      measured: `${(perHour / (1 << 20)).toFixed(2)} MB per hour`,
      target: '1 MB per hour',
      comparison: `${(after.bytes / (1 << 20)).toFixed(2)} MB in use`,
      met: perHour <= 1 << 20,
    },
  ]
}

async function sizeOf(etcd: Etcd): Promise<Readonly<{revision: number; bytes: number}>> {
  const {header, dbSizeInUse} = (await etcd.post('/v3/maintenance/status', {})) as {
    header: {revision: string}
    dbSizeInUse: string
  }
  return {revision: Number(header.revision), bytes: Number(dbSizeInUse)}
}

/** kill -9 of one instance; how long the others had no answer, or one that was too old. */
async function takeover(set: RealSet, names: readonly string[], hasStandby: boolean): Promise<Row> {
  const [victim] = set.running
  if (victim === undefined) throw new Error('no instance runs')
  await set.kill(victim.id)
  const died = performance.now()
  let [oldestMs, lastMissingMs] = [0, 0]
  await until(async () => {
    const snapshots = await Promise.all(set.running.map(({snapshot}) => snapshot()))
    const now = performance.now() - died
    for (const snapshot of snapshots)
      for (const [index, name] of names.entries()) {
        const routed = snapshot?.groups[name]?.verdict.routed_to
        if (routed !== `h${3 * index}`) lastMissingMs = now
        else oldestMs = Math.max(oldestMs, snapshot?.hosts[routed]?.age_ms ?? 0)
      }
    return now > ttlMs + 5_000
  })
  const what = `kill -9 of one of three instances, ${names.length} groups`
  return hasStandby
    ? {
        figure: `${what}, standby: 1: the oldest answer; a group without one, until`,
        measured: `${ms(oldestMs)}; ${ms(lastMissingMs)}`,
        target: 'max_age + 1 s',
        comparison: '',
        met: oldestMs <= maxAgeMs + 1_000 && lastMissingMs <= maxAgeMs + 1_000,
      }
    : {
        figure: `${what}: every group is answered for by a new owner after`,
        measured: ms(lastMissingMs),
        target: 'ttl + 1 s',
        comparison: `the oldest answer meanwhile: ${ms(oldestMs)}`,
        met: lastMissingMs <= ttlMs + 1_000,
      }
}

const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time))

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 300_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it does not come within five minutes')
    await pause(100)
  }
}
