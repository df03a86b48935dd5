import type {Random} from '../../src/core/ports.ts'
import type {Invariants} from './invariants.ts'
import {pick} from './seeded-random.ts'
import type {SimulatedCluster} from './simulated-cluster.ts'
import {ourIdentifier} from './simulated-server.ts'
import type {Stage} from './stage.ts'

/**
 * One thing that can happen. `name`: the server that it happens to. Returns what did happen, in
 * words.
 */
export type Happening = (
  scene: Readonly<{stage: Stage; invariants: Invariants; name: string; random: Random}>,
) => Promise<string | undefined>

const isOurs = ({cluster}: Stage, name: string) => cluster.server(name).systemIdentifier === ourIdentifier

const toServer =
  (act: (cluster: SimulatedCluster, name: string) => void): Happening =>
  async ({stage, name}) => {
    act(stage.cluster, name)
    return name
  }

/** Weighed by how often it stands here in `weights`: what breaks things most, most often. */
export const happenings: Readonly<Record<string, Happening>> = {
  crash: toServer((cluster, name) => cluster.crash(name)),
  stop: toServer((cluster, name) => cluster.stop(name)),
  halt: toServer((cluster, name) => cluster.halt(name)),
  powerOff: toServer((cluster, name) => cluster.powerOff(name)),
  start: toServer((cluster, name) => cluster.start(name)),
  promote: toServer((cluster, name) => cluster.promote(name)),
  freeze: toServer((cluster, name) => cluster.freeze(name)),
  thaw: toServer((cluster, name) => cluster.thaw(name)),
  cut: toServer((cluster, name) => cluster.cut(name)),
  heal: toServer((cluster, name) => cluster.heal(name)),
  unlink: toServer((cluster, name) => cluster.unlink(name)),
  terminate: toServer((cluster, name) => cluster.terminate(name)),
  async storage({stage, name, random}) {
    const server = stage.cluster.server(name)
    server.isStorageFrozen = random() < 0.6
    return `${name} ${server.isStorageFrozen ? 'frozen' : 'works'}`
  },
  async door({stage, name, random}) {
    const door = pick(random, ['open', 'silent', 'starting', 'stopping', 'slamming', 'refusing'] as const)
    stage.cluster.door(name, door)
    return `${name} ${door}`
  },
  async rebuild({stage, name, random}) {
    const upstream = pick(random, stage.cluster.servers).name
    if (upstream !== name && isOurs(stage, upstream)) stage.cluster.rebuild(name, upstream)
    return `${name} from ${upstream}`
  },
  async follow({stage, name, random}) {
    const upstream = pick(random, stage.cluster.servers).name
    if (upstream !== name) stage.cluster[random() < 0.5 ? 'follow' : 'repoint'](name, upstream)
    return `${name} ${upstream}`
  },
  /** A snapshot of the machine, from seconds or from long ago: what it was restored for is over. */
  async restore({stage, name, random}) {
    const bytes = random() < 0.7 ? 500 + random() * 3_000 : random() * 60_000
    if (random() < 0.5) stage.cluster.crash(name)
    stage.cluster.restore(name, bytes)
    if (random() < 0.5) stage.cluster.start(name)
    return `${name} without ${Math.round(bytes)} bytes`
  },
  /** The orderly kind: the old primary stops, another one takes over, all follow. */
  async switchover({stage, name, random}) {
    const {cluster} = stage
    if (!isOurs(stage, name)) return undefined
    for (const {name: old} of cluster.servers.filter(({isPrimary}) => isPrimary)) cluster.crash(old)
    if (random() < 0.5) await stage.clock.run(random() * 300)
    cluster.start(name)
    cluster.promote(name)
    for (const other of cluster.servers) if (other.name !== name) cluster.rebuild(other.name, name)
    return `to ${name}`
  },
  async foreign({stage, name}) {
    // One at a time: were most of them strangers, they would be the cluster.
    if (!stage.cluster.servers.every((server) => isOurs(stage, server.name))) return undefined
    stage.cluster.crash(name)
    stage.cluster.server(name).systemIdentifier = '1'
    stage.cluster.start(name)
    return name
  },
  async slow({stage, random}) {
    const ms = pick(random, [0.2, 5, 120, 700])
    stage.cluster.latencyMs = () => ms * (0.5 + random())
    return `${ms} ms`
  },
  async stall({stage, random}) {
    const ms = random() * 6_000
    await stage.clock.stall(ms)
    return `${Math.round(ms)} ms`
  },
  async jump({stage, invariants, random}) {
    const ms = random() < 0.3 ? 1_000 : 3_600_000
    stage.clock.jumpWall(ms)
    if (ms > stage.settings.probe.maxAgeMs) invariants.voided()
    return `${ms} ms`
  },
  async restart({stage, invariants}) {
    await stage.strike()
    invariants.restarted(stage.store.mood === 'working')
    await stage.raise()
    return undefined
  },
  async reload({stage, random}) {
    const intervalMs = random() < 0.5 ? stage.settings.probe.intervalMs : 700
    stage.settings = {...stage.settings, probe: {...stage.settings.probe, intervalMs}}
    await stage.clock.through(stage.monitor.reload(stage.settings))
    return `${intervalMs} ms`
  },
  async accept({stage, invariants, name}) {
    // To accept a stranger is to change the cluster: a story of its own.
    if (!isOurs(stage, name)) return undefined
    const undo = invariants.accepting(name)
    try {
      return await stage.clock.through(stage.monitor.accept(name, {by: 'history', reason: null}))
    } catch (error) {
      undo()
      return `${name}: ${(error as Error).message}`
    }
  },
  async disk({stage, random}) {
    stage.store.mood = random() < 0.5 ? 'failing' : 'working'
    return stage.store.mood
  },
}

const weights: Readonly<Record<string, number>> = {
  crash: 3,
  start: 4,
  promote: 4,
  freeze: 2,
  thaw: 2,
  cut: 3,
  heal: 4,
  rebuild: 3,
  switchover: 2,
  restore: 2,
  door: 2,
  terminate: 2,
}

export const weighed: readonly string[] = Object.keys(happenings).flatMap((name) =>
  Array<string>(weights[name] ?? 1).fill(name),
)
