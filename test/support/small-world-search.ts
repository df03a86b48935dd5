import {KnownWorlds} from './known-worlds.ts'
import {type Bounds, firstWorld, isLiving, type Monitor, type Seen, type World} from './small-world.ts'
import {stepsOf} from './small-world-steps.ts'

/** What is wrong with this world, in words; `null`: nothing. */
function breachIn(world: World): string | null {
  for (const monitor of world.monitors) {
    const breach = breachOf(monitor, world)
    if (breach !== null) return breach
  }
  return twoAtOnce(world)
}

/** Two daemons, each with fresh answers, route to two living primaries. */
function twoAtOnce({monitors, servers, isSettled}: World): string | null {
  if (!isSettled) return null
  const routed = monitors.map((monitor) => monitor.past?.state.verdict.routedTo ?? null)
  const living = new Set(
    routed.filter((host) => {
      const server = servers[Number(host?.slice(4)) - 1]
      return isLiving(server) && server.isPrimary
    }),
  )
  return living.size > 1 ? `two daemons route to ${[...living].join(' and ')}, and both live` : null
}

/** What is wrong with the verdict of one monitor. */
function breachOf({records, past, told, seen, rivals}: Monitor, {servers, overruled}: World): string | null {
  const routed = past?.state.verdict.routedTo ?? null
  if (routed === null) return null
  const indexOf = (host: string) => records.findIndex(({settings}) => settings.name === host)
  const own = told[indexOf(routed)]
  if (servers[indexOf(routed)]?.isOverruled) return `${routed} is routed to, and the operator overruled it`
  const rival = rivals.find((host) => {
    const server = servers[indexOf(host)]
    return host !== routed && isLiving(server) && server.isPrimary && !server.isOverruled
  })
  if (rival !== undefined && rivals.includes(routed)) return `${routed} is routed to, and its rival ${rival} lives`
  if (!own) return `${routed} is routed to without an answer`
  const ahead = seen.find(
    ({timeline, commits, at}) =>
      timeline >= own.timeline &&
      at <= own.at &&
      ![...commits].every((commit) => own.commits.includes(commit) || overruled.includes(commit)),
  )
  return ahead === undefined ? null : `${shown(own)} is routed to, and ${shown(ahead)} was seen`
}

const shown = ({timeline, commits}: Seen): string => `timeline ${timeline} with commits "${commits}"`

/** Two worlds with one key have one future: which daemon is the first makes no difference. */
const keyOf = ({servers, monitors, isSettled, overruled, used}: World): string =>
  JSON.stringify([servers, overruled, used, isSettled]) + monitors.map(keyOfMonitor).sort().join('')

/** Most of what happens changes no monitor. */
const keys = new WeakMap<Monitor, string>()

function keyOfMonitor(monitor: Monitor): string {
  const known = keys.get(monitor)
  if (known !== undefined) return known
  const key = newKeyOf(monitor)
  keys.set(monitor, key)
  return key
}

/** Moments count by their order alone. */
function newKeyOf({records, past, told, seen, rivals, isCut}: Monitor): string {
  const answers = records.map(({observation, primarySince, answersSince, reached, isStopping}) =>
    observation === null
      ? null
      : [
          observation.kind === 'facts' ? observation.facts : observation.cause,
          moment(observation.askedAt),
          moment(primarySince),
          moment(answersSince),
          reached,
          isStopping,
        ],
  )
  const {memory, notes, state} = past ?? {}
  const described = (one: Seen | null) => one && [one.timeline, one.commits, moment(one.at)]
  const positions = notes?.positions.map((position) => ({...position, answeredAt: moment(position.answeredAt)}))
  const firstSeen = notes?.firstSeen.map((first) => ({...first, answeredAt: moment(first.answeredAt)}))
  // What became of a lost primary has no effect without a clock.
  const carried = {memory, positions, firstSeen, raisedAt: moment(notes?.raisedAt ?? null)}
  const {rule, primary} = state?.verdict ?? {}
  const text = JSON.stringify([
    answers,
    told.map(described),
    carried,
    rule,
    primary,
    [...seen].sort((a, b) => a.timeline - b.timeline || (a.commits < b.commits ? -1 : 1)).map(described),
    rivals,
    isCut,
  ])
  const order = [...new Set([...text.matchAll(/"@(\d+)"/g)].map(([, at]) => Number(at)))].sort((a, b) => a - b)
  return text.replaceAll(/"@(\d+)"/g, (_, at) => `@${order.indexOf(Number(at))}`)
}

const moment = (at: number | null) => (at === null ? null : `@${at}`)

export type Found = Readonly<{states: number; breach: Readonly<{what: string; steps: readonly string[]}> | null}>

/** Breadth first, so that the first breach is a shortest one. `depth`: the most steps of a history. */
export function search(bounds: Bounds, depth = Number.POSITIVE_INFINITY): Found {
  const known = new KnownWorlds()
  const first = firstWorld(bounds)
  let frontier: Readonly<{world: World; number: number}>[] = [{world: first, number: 0}]
  known.add(keyOf(first), {from: -1, what: ''})
  for (let at = 0; frontier.length > 0 && at < depth; at += 1) {
    const next: typeof frontier = []
    for (const {world, number: from} of frontier)
      for (const step of stepsOf(world, bounds)) {
        const number = known.add(keyOf(step.world), {from, what: step.what})
        if (number === null) continue
        const what = breachIn(step.world)
        if (what !== null) return {states: known.size, breach: {what, steps: known.pathTo(number)}}
        next.push({world: step.world, number})
      }
    frontier = next
  }
  return {states: known.size, breach: null}
}
