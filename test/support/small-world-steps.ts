import {accepted, asked} from './small-monitor.ts'
import {type Bounds, hostName, isLiving, type Server, type Step, type World} from './small-world.ts'

const letters = 'abcdefghij'

/** Everything that can happen next. */
export function stepsOf(world: World, bounds: Bounds): readonly Step[] {
  return [
    ...questions(world, bounds),
    ...world.servers.flatMap((server, index) => [
      ...happeningsTo(server, index, world, bounds),
      ...world.monitors.flatMap((_, by) => [...cuts(world, by, index, bounds), ...accepted(world, by, index, bounds)]),
    ]),
  ]
}

/** Of several monitors, one asks, or all of them while nothing else happens. */
function questions(world: World, bounds: Bounds): readonly Step[] {
  const {servers, monitors} = world
  const once = (from: World, by: number) => servers.reduce((now, _, index) => asked(now, by, index, bounds), from)
  const round = (from: World, by: number) => once(once(from, by), by)
  if (monitors.length > 1)
    return [
      ...monitors.map((_, by) => ({what: `daemon ${by + 1} asks`, world: {...round(world, by), isSettled: false}})),
      {what: 'all daemons ask', world: {...monitors.reduce((now, _, by) => round(now, by), world), isSettled: true}},
    ]
  return bounds.isAskedAlone
    ? servers.map((_, index) => ({what: `ask ${hostName(index)}`, world: asked(world, 0, index, bounds)}))
    : [{what: 'ask all', world: round(world, 0)}]
}

/** The way between one monitor and one host ends, or is there again. */
function cuts(world: World, by: number, index: number, {cuts = 0}: Bounds): readonly Step[] {
  const isCut = world.monitors[by]?.isCut[index] === true
  if (!isCut && world.used.cuts >= cuts) return []
  return [
    {
      what: `${isCut ? 'heal' : 'cut'} ${hostName(index)} from daemon ${by + 1}`,
      world: {
        ...world,
        isSettled: false,
        monitors: world.monitors.map((monitor, at) =>
          at === by ? {...monitor, isCut: monitor.isCut.with(index, !isCut)} : monitor,
        ),
        used: {...world.used, cuts: world.used.cuts + (isCut ? 0 : 1)},
      },
    },
  ]
}

function happeningsTo(server: Server, index: number, world: World, bounds: Bounds): readonly Step[] {
  const {servers, used} = world
  const {state, isPrimary, timeline, commits} = server
  const host = hostName(index)
  const becomes = (what: string, change: Partial<Server>, more: Partial<World['used']> = {}): Step => ({
    what: `${what} ${host}`,
    world: {
      ...world,
      isSettled: false,
      servers: servers.map((other, at) => (at === index ? {...server, ...change} : other)),
      used: {...used, ...more},
      // One that is down writes no more. Started again, it is a primary that we have not heard of.
      monitors:
        change.state === 'down' || change.state === 'stopping'
          ? world.monitors.map((monitor) => ({...monitor, rivals: monitor.rivals.filter((one) => one !== host)}))
          : world.monitors,
    },
  })
  if (state === 'down' || state === 'stopping') {
    const canRestore = state === 'down' && commits.length > 0 && isPrimary && used.restores < bounds.restores
    const canStart = bounds.starts === undefined || used.starts < bounds.starts
    const starts = bounds.starts === undefined ? 0 : used.starts + 1
    return [
      ...(canStart ? [becomes('start', {state: 'up'}, {starts})] : []),
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
      steps.push(becomes(`let follow ${hostName(at)}:`, {upstream: at}))
  return steps
}
