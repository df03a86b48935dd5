import type {Etcd} from '../support/etcd.ts'
import {etcdOfThree, pause, type Seen, World} from './shared/world.ts'
import {ms, type Options, type Row} from './table.ts'

const ttlMs = 10_000

/**
 * Three processes that share groups over a real etcd of three: what every instance answers while one of them is
 * killed, stopped, cut off from etcd, or restarted, while etcd has no quorum, and while the databases fail over.
 */
export async function run({short, hosts, minutes, style}: Options): Promise<readonly Row[]> {
  const groups = Math.floor((hosts ?? (short ? 30 : 900)) / 3)
  const profile = style === 'wan' ? 'wan' : 'normal'
  const rows: Row[] = []
  const add = (row: Row) => {
    rows.push(row)
    console.error(`  ${row.figure}: ${row.measured}`)
  }
  for (const hasStandby of [false, true]) {
    // The servers begin anew, on their first timeline: an etcd that remembers later ones would refuse them.
    await using etcd = await etcdOfThree()
    await using world = await World.make({groups, profile, hasStandby, etcd})
    await world.set.startAll()
    add(
      plain(
        `start, standby: ${hasStandby ? 1 : 0}: ${groups} groups of three answered by each of 3`,
        await world.settle(),
      ),
    )
    // Changes at the start stir the groups for ten seconds.
    await pause(15_000)
    if (hasStandby) {
      add(await killed(world, true))
      continue
    }
    for (const row of await atRest(etcd, {groups, minutes: minutes ?? (short ? 1 : 10)})) add(row)
    add(await killed(world, false))
    for (const failure of [stopped, cutOff]) add(await failure(world))
    add(await withoutQuorum(world, etcd))
    add(await rolling(world))
  }
  return rows
}

type Size = Readonly<{groups: number; minutes: number}>

async function atRest(etcd: Etcd, {groups, minutes}: Size): Promise<readonly Row[]> {
  const before = await sizeOf(etcd)
  await pause(minutes * 60_000)
  const after = await sizeOf(etcd)
  const writes = (after.revision - before.revision) / (minutes * 60)
  const perHour = ((after.bytes - before.bytes) / minutes) * 60
  const comparison = `${(after.bytes / (1 << 20)).toFixed(2)} MB in use`
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
      comparison,
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

/** kill -9 of one instance, which starts again afterwards. */
async function killed(world: World, hasStandby: boolean): Promise<Row> {
  await world.set.kill('lb1')
  const limitMs = hasStandby ? world.maxAgeMs + 1_000 : ttlMs + 1_000
  const seen = await world.watch((sinceMs) => sinceMs > ttlMs + 8_000)
  await world.set.start('lb1')
  await world.settle()
  return rowOf(`kill -9 of one instance, standby: ${hasStandby ? 1 : 0}`, seen, {
    world,
    target: `answered by another after ${hasStandby ? 'max_age' : 'ttl'} + 1 s`,
    met: seen.missingUntilMs <= limitMs,
    more: `no route until ${ms(seen.missingUntilMs)}`,
  })
}

/** SIGSTOP for two leases; meanwhile every database fails over. */
async function stopped(world: World): Promise<Row> {
  const {child} = world.set.node('lb2')
  child.kill('SIGSTOP')
  const thaw = 2 * ttlMs
  let [isDue, isThawed] = [true, false]
  const seen = await world.watch((sinceMs) => {
    if (isDue && sinceMs > ttlMs) {
      isDue = false
      for (let group = 0; group < world.groups; group += 1) world.failOver(group)
    }
    if (!isThawed && sinceMs > thaw) {
      isThawed = true
      child.kill('SIGCONT')
    }
    return sinceMs > thaw + 15_000
  })
  const againMs = await world.settle()
  return rowOf('SIGSTOP of one for 20 s, every database fails over meanwhile, SIGCONT', seen, {
    world,
    more: `settled ${ms(againMs)} after that`,
  })
}

/** No byte passes between one instance and etcd for half a minute. */
async function cutOff(world: World): Promise<Row> {
  world.cut('lb3')
  const failing = failingOver(world, 500)
  const seen = await world.watch((sinceMs) => sinceMs > 3 * ttlMs)
  failing.stop()
  world.heal('lb3')
  const againMs = await world.settle()
  return rowOf('one instance is cut off from etcd for 30 s, a database fails over each 0.5 s', seen, {
    world,
    more: `settled ${ms(againMs)} after the cut`,
  })
}

async function withoutQuorum(world: World, etcd: Etcd): Promise<Row> {
  for (const member of [1, 2]) etcd.freeze(member)
  const failing = failingOver(world, 500)
  const seen = await world.watch((sinceMs) => sinceMs > 2 * ttlMs)
  failing.stop()
  for (const member of [1, 2]) etcd.thaw(member)
  const againMs = await world.settle()
  return rowOf('etcd without quorum for 20 s, a database fails over each 0.5 s', seen, {
    world,
    more: `settled ${ms(againMs)} after its return`,
  })
}

async function rolling(world: World): Promise<Row> {
  const failing = failingOver(world, 1_000)
  let isOver = false
  const restarts = (async () => {
    for (const id of world.set.ids) {
      await world.set.kill(id, 'SIGTERM')
      await world.set.start(id)
      await pause(5_000)
    }
  })().finally(() => {
    isOver = true
  })
  const seen = await world.watch(() => isOver)
  await restarts
  failing.stop()
  const againMs = await world.settle()
  return rowOf('rolling restart, a database fails over each second', seen, {
    world,
    more: `settled ${ms(againMs)} after that`,
  })
}

function failingOver(world: World, everyMs: number) {
  let group = 0
  const timer = setInterval(() => {
    world.failOver(group % world.groups)
    group += 7
  }, everyMs)
  return {stop: () => clearInterval(timer)}
}

type Judged = Readonly<{world: World; more: string; target?: string; met?: boolean}>

function rowOf(figure: string, seen: Seen, {world: {maxAgeMs}, more, target, met = true}: Judged): Row {
  const {wrong, firstWrong, oldestMs, looks, longestMissingMs} = seen
  const wrongText = wrong === 0 ? '0 wrong routes' : `${wrong} WRONG: ${firstWrong}`
  return {
    figure,
    measured: `${wrongText}; oldest answer ${ms(oldestMs)}; ${more}`,
    target: ['0 wrong routes, none older than max_age + 1 s', ...(target === undefined ? [] : [target])].join('; '),
    comparison:
      `${looks} looks, max_age ${maxAgeMs / 1_000} s; ` + `a group had no route for ${ms(longestMissingMs)} at most`,
    met: met && wrong === 0 && oldestMs <= maxAgeMs + 1_000,
  }
}

const plain = (figure: string, time: number): Row => ({
  figure,
  measured: ms(time),
  target: '',
  comparison: '',
  met: null,
})
