import {ownSources} from '../../src/core/evidence/evidence.ts'
import {sourcesByName} from '../../src/core/evidence/evidence-source.ts'
import {type HostRecord, newRecord, observed} from '../../src/core/facts/host-record.ts'
import type {Observation} from '../../src/core/facts/observation.ts'
import {acceptedIn} from '../../src/core/verdict/accepted.ts'
import {assessGroup, type GroupAssessment} from '../../src/core/verdict/assessment.ts'
import {blankMemory} from '../../src/core/verdict/group-memory.ts'
import {noNotes} from '../../src/core/verdict/memory.ts'
import {OURS, primary as primaryRecord, standby as standbyRecord} from './records.ts'
import {groupSettings, hostSettings} from './settings.ts'

/** One server as it is in truth. `commits`: what it holds, each by a letter; the order is the history. */
type Server = Readonly<{
  /** `hidden`: it lives and writes, and a firewall refuses us in its name. */
  state: 'up' | 'hidden' | 'stopping' | 'down'
  isPrimary: boolean
  timeline: number
  commits: string
  upstream: number | null
  /** Restored from an earlier state; it writes no more, since positions cannot tell what it writes then. */
  isRestored: boolean
  /** The operator overruled it: what it writes does not count. */
  isOverruled: boolean
}>

/** What an answer described: on which timeline, and which commits. */
/** `at`: when; 0 where all are asked in one round. */
export type Seen = Readonly<{timeline: number; commits: string; at: number}>

export type World = Readonly<{
  servers: readonly Server[]
  records: readonly HostRecord[]
  past: GroupAssessment | null
  /** By host: what its last answer described. */
  told: readonly (Seen | null)[]
  /** What was described since the operator last spoke; the longest of each history. */
  seen: readonly Seen[]
  /** Commits that the operator gave up. */
  overruled: string
  /** The rivals of the last split brain that was told. */
  rivals: readonly string[]
  tick: number
  used: Readonly<{commits: number; restores: number; accepts: number; hides: number}>
}>

export type Bounds = Readonly<{
  hosts: number
  commits: number
  timelines: number
  restores: number
  accepts: number
  /** How often a firewall comes between us and a host. */
  hides: number
  /** Each host is asked by itself; else all of them in one round, while nothing else happens. */
  isAskedAlone: boolean
  /** What is lost between two judgements, to take a rule out. */
  forget?: (past: GroupAssessment) => GroupAssessment
}>

/** A thing that can happen, in words, and the world after it. */
export type Step = Readonly<{what: string; world: World}>

export const isLiving = (server: Server | undefined): server is Server =>
  server?.state === 'up' || server?.state === 'hidden'

const letters = 'abcdefghij'
const nameOf = (index: number) => `host${index + 1}`
const forever = Number.MAX_SAFE_INTEGER

export function firstWorld({hosts}: Bounds): World {
  const servers = Array.from(
    {length: hosts},
    (_, index): Server => ({
      state: 'up',
      isPrimary: index === 0,
      timeline: 1,
      commits: '',
      upstream: index === 0 ? null : 0,
      isRestored: false,
      isOverruled: false,
    }),
  )
  const records = servers.map((_, index) => newRecord(hostSettings(nameOf(index))))
  return {
    servers,
    records,
    past: null,
    told: servers.map(() => null),
    seen: [],
    overruled: '',
    rivals: [],
    tick: 1,
    used: {commits: 0, restores: 0, accepts: 0, hides: 0},
  }
}

/** Everything that can happen next. */
export function stepsOf(world: World, bounds: Bounds): readonly Step[] {
  const {servers} = world
  const round = (from: World) => servers.reduce((now, _, index) => asked(now, index, bounds), from)
  const questions = bounds.isAskedAlone
    ? servers.map((_, index) => ({what: `ask ${nameOf(index)}`, world: asked(world, index, bounds)}))
    : [{what: 'ask all', world: round(round(world))}]
  return [
    ...questions,
    ...servers.flatMap((server, index) => [
      ...happeningsTo(server, index, world, bounds),
      ...accepted(world, index, bounds),
    ]),
  ]
}

function happeningsTo(server: Server, index: number, world: World, bounds: Bounds): readonly Step[] {
  const {servers, rivals, used} = world
  const {state, isPrimary, timeline, commits} = server
  const host = nameOf(index)
  const becomes = (what: string, change: Partial<Server>, more: Partial<World['used']> = {}): Step => ({
    what: `${what} ${host}`,
    world: {
      ...world,
      servers: servers.map((other, at) => (at === index ? {...server, ...change} : other)),
      used: {...used, ...more},
      // One that is down writes no more. Started again, it is a primary that we have not heard of.
      rivals: change.state === 'down' || change.state === 'stopping' ? rivals.filter((one) => one !== host) : rivals,
    },
  })
  if (state === 'down' || state === 'stopping') {
    const canRestore = state === 'down' && commits.length > 0 && isPrimary && used.restores < bounds.restores
    return [
      becomes('start', {state: 'up'}),
      ...(canRestore
        ? [becomes('restore', {commits: commits.slice(0, -1), isRestored: true}, {restores: used.restores + 1})]
        : []),
    ]
  }
  const steps = [becomes('crash', {state: 'down'}), becomes('stop', {state: 'stopping'})]
  if (state === 'up' && used.hides < bounds.hides)
    steps.push(becomes('hide', {state: 'hidden'}, {hides: used.hides + 1}))
  if (isPrimary && !server.isRestored && used.commits < bounds.commits) {
    const commit = letters[used.commits] ?? ''
    const {what, world: after} = becomes('commit on', {commits: commits + commit}, {commits: used.commits + 1})
    steps.push({what, world: server.isOverruled ? {...after, overruled: after.overruled + commit} : after})
  }
  if (isPrimary) return steps
  if (timeline < bounds.timelines)
    steps.push(becomes('promote', {isPrimary: true, timeline: timeline + 1, upstream: null}))
  const source = server.upstream === null ? undefined : servers[server.upstream]
  const canStream =
    isLiving(source) && source.timeline >= timeline && source.commits.startsWith(commits) && source !== server
  if (canStream && (source.commits !== commits || source.timeline !== timeline))
    steps.push(becomes('stream to', {commits: source.commits, timeline: source.timeline}))
  for (const [at, other] of servers.entries())
    if (at !== index && at !== server.upstream && isLiving(other) && other.isPrimary)
      steps.push(becomes(`let follow ${nameOf(at)}:`, {upstream: at}))
  return steps
}

/** The monitor asks one host, and judges. */
function asked(world: World, index: number, bounds: Bounds): World {
  const {servers, records, tick} = world
  const server = servers[index] as Server
  const record = records[index] as HostRecord
  const now = tick + 1
  const after = servers.map(
    (other, at): Server => (at === index && other.state === 'stopping' ? {...other, state: 'down'} : other),
  )
  const next = {...world, servers: after, tick: now}
  const changed = observed(record, observationOf(server, index, servers, now))
  const described =
    server.state === 'up'
      ? [{timeline: server.timeline, commits: server.commits, at: bounds.isAskedAlone ? now : 0}]
      : []
  const isKnown = (one: Seen) =>
    world.seen.some((other) => other.timeline === one.timeline && other.commits.startsWith(one.commits))
  return judged(bounds, {
    ...next,
    records: records.map((other, at) => (at === index ? changed : other)),
    told: world.told.map((other, at) => (at === index ? (described[0] ?? other) : other)),
    seen: [...world.seen, ...described.filter((one) => !isKnown(one))],
  })
}

function judged({forget = (past) => past}: Bounds, world: World): World {
  const group = groupSettings(
    'all',
    world.records.map(({settings}) => settings.name),
    // A lost primary is not sustained: what it rests on is durations, and here is none.
    {systemIdentifier: OURS, sustainMs: 0},
  )
  const past = world.past === null ? null : forget(world.past)
  const after = assessGroup({
    group,
    records: world.records,
    past: {
      state: past?.state,
      memory: past?.memory ?? blankMemory,
      notes: past?.notes ?? noNotes,
      held: past?.held ?? {},
    },
    sources: sourcesByName(ownSources(forever)),
    limits: {maxAgeMs: forever, followersMaxAgeMs: forever},
    now: world.tick,
    wall: 0,
  })
  const {rule} = after.state.verdict
  const lives = (host: string) => isLiving(world.servers[Number(host.slice(4)) - 1])
  return {...world, past: after, rivals: rule === 'V1' ? after.memory.rivals.filter(lives) : world.rivals}
}

function observationOf(server: Server, index: number, servers: readonly Server[], now: number): Observation {
  const host = nameOf(index)
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
        ...(isStreaming && {receiver: {}, of: nameOf(server.upstream ?? 0)}),
      })
  const observation = said.observation as Observation & {kind: 'facts'}
  return {...observation, ...about, facts: {...observation.facts, clockMs: null}}
}

function accepted(world: World, index: number, bounds: Bounds): readonly Step[] {
  const {past} = world
  const host = nameOf(index)
  const isSole = past?.state.verdict.primaries.length === 1 && past.state.verdict.primaries[0] === host
  if (!isSole || past === null || past.state.verdict.routedTo === host || world.used.accepts >= bounds.accepts)
    return []
  const memory = acceptedIn(past.memory, host, past.view)
  const own = world.servers[index] as Server
  const held = world.servers.map(({commits}) => commits).join('')
  const overruled = [...new Set(held)].filter((commit) => !own.commits.includes(commit)).join('')
  const servers = world.servers.map((server, at) =>
    memory.voids.some((item) => item.host === nameOf(at))
      ? {...server, isOverruled: server.isPrimary}
      : {...server, isOverruled: at !== index && server.isOverruled},
  )
  const used = {...world.used, accepts: world.used.accepts + 1}
  const next = {...world, servers, past: {...past, memory}, seen: [], rivals: [], overruled, used}
  return [{what: `accept ${host}`, world: judged(bounds, next)}]
}
