import {Breach} from '../history.ts'
import {pick, seededRandom} from '../seeded-random.ts'
import type {SimulatedCluster} from '../simulated-cluster.ts'
import {SharedInvariants} from './invariants.ts'
import {SharedStage, ttlMs} from './stage.ts'

type Scene = Readonly<{
  stage: SharedStage
  invariants: SharedInvariants
  random: () => number
  id: string
  group: string
  host: string
}>
type Happening = (scene: Scene) => string | undefined | Promise<string | undefined>

const running = (stage: SharedStage, id: string) => stage.nodes.get(id)
const cluster = ({stage, group}: Scene): SimulatedCluster => stage.cluster(group)

/** What may happen to instances, to the registry, to what lies between them, and to the servers. */
const happenings: Readonly<Record<string, Happening>> = {
  kill({stage, id}) {
    if (!running(stage, id)) return undefined
    stage.kill(id)
    return id
  },
  start({stage, id}) {
    if (running(stage, id)) return undefined
    stage.start(id)
    return id
  },
  async restart({stage, id}) {
    const node = running(stage, id)
    if (!node?.process.isRunning) return undefined
    await stage.stop(id)
    stage.start(id)
    return id
  },
  freeze({stage, id}) {
    running(stage, id)?.process.freeze()
    return id
  },
  thaw({stage, id}) {
    running(stage, id)?.process.thaw()
    return id
  },
  cutRegistry({stage, id}) {
    const node = running(stage, id)
    if (node) node.door.isReachable = false
    return id
  },
  healRegistry({stage, id}) {
    const node = running(stage, id)
    if (node) node.door.isReachable = true
    return id
  },
  quorum({stage, random}) {
    stage.registry.hasQuorum = random() < 0.4
    return `${stage.registry.hasQuorum}`
  },
  loseAnswers({stage, random}) {
    const share = pick(random, [0, 0, 0.3, 1])
    stage.registry.losesAnswer = () => random() < share
    return `${share}`
  },
  cutStreams({stage, id, random}) {
    const other = pick(random, stage.ids)
    if (other !== id) stage.cut(id, other)
    return `${id} ${other}`
  },
  healStreams({stage}) {
    stage.cuts.clear()
    return ''
  },
  slowStreams({stage, random}) {
    const ms = pick(random, [2, 50, 1_000])
    stage.streamMs = () => ms * (0.5 + random())
    return `${ms} ms`
  },
  slowRegistry({stage, random}) {
    const ms = pick(random, [1, 20, 300])
    stage.registry.latencyMs = () => ms * (0.5 + random())
    return `${ms} ms`
  },
  crash(scene) {
    cluster(scene).crash(scene.host)
    return scene.host
  },
  boot(scene) {
    cluster(scene).start(scene.host)
    return scene.host
  },
  promote(scene) {
    cluster(scene).promote(scene.host)
    return scene.host
  },
  hang(scene) {
    cluster(scene).freeze(scene.host)
    return scene.host
  },
  wake(scene) {
    cluster(scene).thaw(scene.host)
    return scene.host
  },
  rebuild(scene) {
    const primary = cluster(scene).servers.find(({isPrimary}) => isPrimary)
    if (!primary || primary.name === scene.host) return undefined
    cluster(scene).rebuild(scene.host, primary.name)
    return `${scene.host} from ${primary.name}`
  },
  failover(scene) {
    const {servers} = cluster(scene)
    const primary = servers.find(({isPrimary}) => isPrimary)
    const heir = servers.find(({isRunning, inRecovery, isFrozen}) => isRunning && inRecovery && !isFrozen)
    if (!primary || !heir) return undefined
    cluster(scene).crash(primary.name)
    cluster(scene).promote(heir.name)
    for (const other of servers) if (other !== heir && other !== primary) cluster(scene).follow(other.name, heir.name)
    return `${primary.name} to ${heir.name}`
  },
  drain: (scene) => order(scene, 'drain'),
  resume: (scene) => order(scene, 'resume'),
  accept: (scene) => order(scene, 'accept'),
}

/** Any instance takes an order; it may be refused, or lost with its instance. */
async function order(
  {stage, invariants, id, group, host}: Scene,
  verb: 'drain' | 'resume' | 'accept',
): Promise<string | undefined> {
  const node = running(stage, id)
  if (!node?.process.isRunning) return undefined
  let came = 'no answer'
  if (verb === 'accept') invariants.accepting(group)
  if (verb === 'resume') invariants.resuming(host)
  node.set.orders[verb](host, {by: 'history', reason: null}).then(
    (done) => {
      came = done
      if (verb === 'drain') invariants.ordered(verb, host)
    },
    (error: Error) => {
      came = `refused: ${error.message}`
    },
  )
  await stage.clock.run(200)
  return `${host} at ${id}: ${came}`
}

const weights: Readonly<Record<string, number>> = {
  kill: 2,
  start: 4,
  freeze: 3,
  thaw: 5,
  cutRegistry: 2,
  healRegistry: 3,
  crash: 2,
  boot: 4,
  promote: 3,
  wake: 2,
  rebuild: 3,
  failover: 4,
}
const weighed = Object.keys(happenings).flatMap((name) => Array<string>(weights[name] ?? 1).fill(name))

export type SharedHistory = Readonly<{checks: number; events: number; takeovers: number; peaceMs: number}>

/** A minute of random events in a set of three to five instances, and peace in the end. Throws a `Breach`. */
export async function playSharedHistory(seed: number): Promise<SharedHistory> {
  const random = seededRandom(seed)
  const stage = new SharedStage({
    instances: 3 + Math.floor(random() * 3),
    groups: 1 + Math.floor(random() * 2),
    servers: 2 + Math.floor(random() * 2),
    seed: seed + 1,
    hasStandby: random() < 0.5,
    group: {confirm: pick(random, [[], [], ['followers']])},
  })
  const invariants = new SharedInvariants(stage)
  stage.onPublished = (node, snapshot) => invariants.published(node, snapshot)
  const log: string[] = []
  const say = (what: string) => log.push(`${(stage.clock.now() / 1_000).toFixed(3)} ${what}`)
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      await stage.clock.run(Math.min(100, left))
      invariants.check()
    }
  }
  const events = 6 + Math.floor(random() * 10)
  try {
    for (const id of stage.ids) stage.start(id)
    await pass(4_000)
    if (random() < 0.3) stage.registry.latencyMs = () => 300
    for (let event = 0; event < events; event += 1) {
      await pass(random() < 0.3 ? random() * 200 : random() * 7_000)
      const group = pick(random, stage.groups)
      const host = pick(random, stage.cluster(group).names)
      const what = pick(random, weighed)
      const happened = await happenings[what]?.({stage, invariants, random, id: pick(random, stage.ids), group, host})
      say(`${what} ${happened ?? '-'}`)
    }
    const peaceMs = await peace(stage, invariants, say)
    const takeovers = stage.counts.get('takeover') ?? 0
    return {checks: invariants.checks, events, takeovers, peaceMs}
  } catch (error) {
    const told = [...log, ...stage.said].sort((one, other) => Number.parseFloat(one) - Number.parseFloat(other))
    throw new Breach(`SEED=${seed}: ${(error as Error).message}\n${told.join('\n')}`, {cause: error})
  }
}

/** Everything is repaired: every instance must come to the same answer, and to the right one. */
async function peace(stage: SharedStage, invariants: SharedInvariants, say: (what: string) => void): Promise<number> {
  const {registry, clock} = stage
  registry.hasQuorum = true
  registry.losesAnswer = () => false
  registry.latencyMs = () => 1
  stage.streamMs = () => 2
  stage.cuts.clear()
  for (const {process, door} of stage.nodes.values()) {
    process.thaw()
    door.isReachable = true
  }
  for (const id of stage.ids) if (!stage.nodes.has(id)) stage.start(id)
  for (const group of stage.groups) calm(stage.cluster(group))
  say('peace')
  const begun = clock.now()
  const isOver = () => clock.now() - begun > 4 * ttlMs
  while (!stage.isSettled() && !isOver()) {
    await clock.run(100)
    invariants.check()
  }
  if (!stage.isSettled()) await overrule(stage, invariants, say)
  return clock.now() - begun
}

/** One primary, on the highest timeline, and the others stream from it. */
function calm(cluster: SimulatedCluster): void {
  for (const {name} of cluster.servers) {
    cluster.thaw(name)
    cluster.start(name)
  }
  const [first, ...others] = [...cluster.servers].sort(
    (one, other) => other.timeline - one.timeline || Number(other.isPrimary) - Number(one.isPrimary),
  )
  if (first === undefined) return
  cluster.promote(first.name)
  for (const other of others) cluster.rebuild(other.name, first.name)
}

/** What is left may need the word of an operator, and the reason must ask for it. */
async function overrule(stage: SharedStage, invariants: SharedInvariants, say: (what: string) => void): Promise<void> {
  const [node] = stage.running
  if (node === undefined) throw new Error('no instance runs')
  for (const group of stage.groups) {
    const {rule, why, primary} = stage.verdict(node.id, group)
    if (rule === 'V4') continue
    const asked = /pgroute66 accept (\w+)/.exec(why)?.[1]
    if (asked === undefined || (primary !== null && primary !== asked))
      throw new Error(`${group} is not answered for after peace: ${rule} ${why}`)
    invariants.accepting(group)
    const done = await stage.clock.through(node.set.orders.accept(asked, {by: 'history', reason: null}))
    say(`accept ${asked}: ${done}`)
  }
  await stage.clock.until(() => stage.isSettled(), 2 * ttlMs)
}
