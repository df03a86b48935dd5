import {nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {happenings, weighed} from './happenings.ts'
import {Invariants} from './invariants.ts'
import {pick, seededRandom} from './seeded-random.ts'
import {ourIdentifier} from './simulated-server.ts'
import {Stage, type StageOptions} from './stage.ts'

/** A history that broke an invariant: its seed, and what happened until then. */
export class Breach extends Error {}

/**
 * A random cluster, twenty or thirty seconds of random events, and peace in the end. Throws a
 * `Breach`.
 */
export async function playHistory(seed: number): Promise<void> {
  const random = seededRandom(seed)
  const stage = new Stage({...scenery(random), seed: seed + 1})
  const invariants = new Invariants(stage)
  const log: string[] = [JSON.stringify({servers: stage.cluster.names, confirm: stage.settings.groups[0]?.confirm})]
  const say = (what: string) => log.push(`${(stage.clock.now() / 1_000).toFixed(3)} ${what}`)
  try {
    for (const server of stage.cluster.servers) {
      server.bytesPerMs = random() < 0.3 ? 0 : 1
      server.tellsCheckpoint = random() < 0.5
    }
    for (const server of stage.cluster.servers) if (random() < 0.1) server.version = 130_023
    for (const name of stage.cluster.names)
      stage.cluster.toldTo(name).betweenPings = pick(random, [...Array(18).fill('passes'), 'swallows', 'closes'])
    if (random() < 0.2)
      stage.store.memory = {
        ...nothingRemembered,
        drains: {[stage.cluster.names[0] ?? '']: {since: 0, by: 'history', reason: null}},
      }
    await stage.raise()
    watch(stage, invariants, say)
    const events = 4 + Math.floor(random() * 8)
    for (let event = 0; event < events; event += 1) {
      await stage.clock.run(random() < 0.3 ? random() * 60 : random() * 2_500)
      invariants.check()
      const what = pick(random, weighed)
      const name = pick(random, stage.cluster.servers).name
      const happened = await happenings[what]?.({stage, invariants, name, random})
      say(`${what} ${happened ?? ''}`)
      if (what === 'restart') watch(stage, invariants, say)
    }
    await peace(stage, invariants, say)
    await end(stage)
  } catch (error) {
    throw new Breach(`SEED=${seed}: ${(error as Error).message}\n${log.join('\n')}`, {cause: error})
  }
}

function scenery(random: () => number): StageOptions {
  const servers = ['host1', 'host2', 'host3', 'host4'].slice(0, 2 + Math.floor(random() * 3))
  const aliases = random() < 0.15 ? ['alias1', 'alias2'].slice(0, 1 + Math.floor(random() * 2)) : []
  // Names of one server count as one answer: without more servers than names twice, nothing could
  // ever be confirmed.
  const canConfirm = servers.length > aliases.length
  return {
    servers,
    alsoKnownAs: Object.fromEntries(aliases.map((alias) => [alias, pick(random, servers)])),
    group: {confirm: canConfirm ? pick(random, [[], [], ['majority'], ['followers'], ['majority', 'followers']]) : []},
    probe: {
      fastIntervalMs: 500,
      fastPingIntervalMs: pick(random, [20, 50, 200]),
      pingTimeoutMs: pick(random, [200, 500]),
    },
    availability: random() < 0.2 ? {intervalMs: 1_000, table: 'public.pgr66_avc', limitMs: 10_000} : null,
  }
}

/** Every publication is judged at the moment it is made. */
function watch(stage: Stage, invariants: Invariants, say: (what: string) => void): void {
  stage.monitor.subscribe(({snapshot, changes}) => {
    for (const {kind, group, host, to, why} of changes)
      if (kind !== 'evidence') say(`  ${kind} ${group ?? host}: ${to} (${why})`)
    try {
      invariants.judge(snapshot)
    } catch (error) {
      stage.breach ??= error as Error
    }
  })
  stage.clock.onRest = () => {
    if (stage.breach) throw stage.breach
  }
}

/** All faults are fixed and one primary is left: the monitor must find it, and keep it. */
async function peace(stage: Stage, invariants: Invariants, say: (what: string) => void): Promise<void> {
  const {cluster, clock} = stage
  cluster.latencyMs = () => 0.2
  stage.store.mood = 'working'
  for (const server of cluster.servers) {
    if (server.systemIdentifier !== ourIdentifier) cluster.crash(server.name)
    server.systemIdentifier = ourIdentifier
    server.isStorageFrozen = false
    cluster.door(server.name, 'open')
    cluster.thaw(server.name)
    cluster.relink(server.name)
    cluster.heal(server.name)
    cluster.start(server.name)
  }
  const [first, ...others] = [...cluster.servers].sort(
    (one, other) => other.timeline - one.timeline || Number(other.isPrimary) - Number(one.isPrimary),
  )
  if (first === undefined) return
  cluster.promote(first.name)
  for (const other of others) cluster.rebuild(other.name, first.name)
  // A promotion always takes a timeline that no server had.
  while (first.timeline < invariants.everHighest) {
    first.inRecovery = true
    cluster.promote(first.name)
  }
  say(`peace under ${first.name}`)
  const isDrained = stage.store.memory.drains[first.name] !== undefined
  const isRight = () => {
    const {primary, routedTo, rule} = stage.verdict()
    return rule === 'V4' && primary !== null && cluster.server(primary) === first && (isDrained || routedTo === primary)
  }
  const isRightSoon = () =>
    clock.until(isRight, 15_000).then(
      () => true,
      () => false,
    )
  if (!(await isRightSoon())) {
    if (stage.breach) throw stage.breach
    const {why, primary} = stage.verdict()
    const complaint = `${first.name} is the only primary, and not routed to: ${why}`
    // One word of the operator must do, and the reason must ask for it.
    if (primary === null || !why.includes(`pgroute66 accept ${primary}`)) throw new Error(complaint)
    invariants.accepting(primary)
    await clock.through(stage.monitor.accept(primary, {by: 'history', reason: null}))
    say(`accept ${primary}, because ${why}`)
    if (!(await isRightSoon())) throw stage.breach ?? new Error(complaint)
  }
  invariants.check()
}

async function end(stage: Stage): Promise<void> {
  const took = await stage.strike()
  if (took > 0) throw new Error(`the stop took ${took} ms`)
  const open = stage.cluster.names.filter((name) => stage.cluster.toldTo(name).openSessions > 0)
  if (open.length > 0) throw new Error(`sessions to ${open} were left open`)
  await stage.clock.run(10_000)
  if (stage.clock.pending > 0) throw new Error(`${stage.clock.pending} timers are left`)
}
