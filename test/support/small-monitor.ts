import {ownSources} from '../../src/core/evidence/evidence.ts'
import {sourcesByName} from '../../src/core/evidence/evidence-source.ts'
import {type HostRecord, observed} from '../../src/core/facts/host-record.ts'
import type {Observation} from '../../src/core/facts/observation.ts'
import {acceptedIn} from '../../src/core/verdict/accepted.ts'
import {assessGroup} from '../../src/core/verdict/assessment.ts'
import {blankMemory} from '../../src/core/verdict/group-memory.ts'
import {noNotes} from '../../src/core/verdict/memory.ts'
import {OURS, primary as primaryRecord, standby as standbyRecord} from './records.ts'
import {groupSettings} from './settings.ts'
import {
  type Bounds,
  hostName,
  isLiving,
  type Monitor,
  type Seen,
  type Server,
  type Step,
  type World,
} from './small-world.ts'

const forever = Number.MAX_SAFE_INTEGER

/** One monitor asks one host, and judges. */
export function asked(world: World, by: number, index: number, bounds: Bounds): World {
  const {servers, tick} = world
  const monitor = world.monitors[by] as Monitor
  const server = servers[index] as Server
  const isCut = monitor.isCut[index] === true
  const now = tick + 1
  const after = servers.map(
    (other, at): Server => (at === index && !isCut && other.state === 'stopping' ? {...other, state: 'down'} : other),
  )
  const next = {...world, servers: after, tick: now}
  const observation = isCut
    ? ({host: hostName(index), askedAt: now, probeMs: 0, kind: 'failure', cause: 'timeout', detail: ''} as const)
    : observationOf(server, index, servers, now)
  const changed = observed(monitor.records[index] as HostRecord, observation)
  const described =
    server.state === 'up' && !isCut
      ? [{timeline: server.timeline, commits: server.commits, at: bounds.isAskedAlone ? now : 0}]
      : []
  const isKnown = (one: Seen) =>
    monitor.seen.some((other) => other.timeline === one.timeline && other.commits.startsWith(one.commits))
  const heard: Monitor = {
    ...monitor,
    records: monitor.records.map((other, at) => (at === index ? changed : other)),
    told: monitor.told.map((other, at) => (at === index ? (described[0] ?? other) : other)),
    seen: [...monitor.seen, ...described.filter((one) => !isKnown(one))],
  }
  return withMonitor(next, by, judged(bounds, heard, next))
}

const withMonitor = (world: World, by: number, monitor: Monitor): World => ({
  ...world,
  monitors: world.monitors.map((other, at) => (at === by ? monitor : other)),
})

function judged({forget = (past) => past, confirm = []}: Bounds, monitor: Monitor, {tick, servers}: World): Monitor {
  const group = groupSettings(
    'all',
    monitor.records.map(({settings}) => settings.name),
    // A lost primary is not sustained: what it rests on is durations, and here is none.
    {systemIdentifier: OURS, sustainMs: 0, confirm: [...confirm]},
  )
  const past = monitor.past === null ? null : forget(monitor.past)
  const after = assessGroup({
    group,
    records: monitor.records,
    past: {
      state: past?.state,
      memory: past?.memory ?? blankMemory,
      notes: past?.notes ?? noNotes,
      held: past?.held ?? {},
    },
    sources: sourcesByName(ownSources(forever)),
    limits: {maxAgeMs: forever, followersMaxAgeMs: forever},
    now: tick,
    wall: 0,
  })
  const {rule} = after.state.verdict
  const lives = (host: string) => isLiving(servers[Number(host.slice(4)) - 1])
  return {...monitor, past: after, rivals: rule === 'V1' ? after.memory.rivals.filter(lives) : monitor.rivals}
}

function observationOf(server: Server, index: number, servers: readonly Server[], now: number): Observation {
  const host = hostName(index)
  const about = {host, askedAt: now, probeMs: 0}
  if (server.state !== 'up')
    return {...about, kind: 'failure', cause: server.state === 'stopping' ? 'not-accepting' : 'refused', detail: ''}
  const lsn = `0/${(0x3000008 + 8 * server.commits.length).toString(16)}`
  const {timeline} = server
  const source = server.upstream === null ? undefined : servers[server.upstream]
  const isStreaming = isLiving(source) && source.timeline === timeline && source.commits.startsWith(server.commits)
  const said = server.isPrimary
    ? primaryRecord(host, {timeline, lsn})
    : standbyRecord(host, {
        timeline,
        lsn,
        receiver: null,
        ...(isStreaming && {receiver: {}, of: hostName(server.upstream ?? 0)}),
      })
  const observation = said.observation as Observation & {kind: 'facts'}
  return {...observation, ...about, facts: {...observation.facts, clockMs: null}}
}

/** What an operator can order of one monitor: `accept`, where its host is the only primary, and is refused. */
export function accepted(world: World, by: number, index: number, bounds: Bounds): readonly Step[] {
  const monitor = world.monitors[by] as Monitor
  const {past} = monitor
  const host = hostName(index)
  const isSole = past?.state.verdict.primaries.length === 1 && past.state.verdict.primaries[0] === host
  if (!isSole || past === null || past.state.verdict.routedTo === host || world.used.accepts >= bounds.accepts)
    return []
  const memory = acceptedIn(past.memory, host, past.view)
  const own = world.servers[index] as Server
  const held = world.servers.map(({commits}) => commits).join('')
  const overruled = [...new Set(held)].filter((commit) => !own.commits.includes(commit)).join('')
  const servers = world.servers.map((server, at) =>
    memory.voids.some((item) => item.host === hostName(at))
      ? {...server, isOverruled: server.isPrimary}
      : {...server, isOverruled: at !== index && server.isOverruled},
  )
  const used = {...world.used, accepts: world.used.accepts + 1}
  const next = {...world, servers, overruled, used}
  const told: Monitor = {...monitor, past: {...past, memory}, seen: [], rivals: []}
  return [{what: `accept ${host}`, world: withMonitor(next, by, judged(bounds, told, next))}]
}
