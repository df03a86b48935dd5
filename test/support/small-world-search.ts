import {type Bounds, firstWorld, isLiving, type Seen, stepsOf, type World} from './small-world.ts'

/** What is wrong with this world, in words; `null`: nothing. */
function breachIn({servers, records, past, told, seen, rivals, overruled}: World): string | null {
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

/** Two worlds with one key have one future: moments count by their order alone. */
function keyOf({servers, records, past, told, seen, overruled, rivals, used}: World): string {
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
    servers,
    answers,
    told.map(described),
    carried,
    rule,
    primary,
    [...seen].sort((a, b) => a.timeline - b.timeline || (a.commits < b.commits ? -1 : 1)).map(described),
    overruled,
    rivals,
    used,
  ])
  const order = [...new Set([...text.matchAll(/"@(\d+)"/g)].map(([, at]) => Number(at)))].sort((a, b) => a - b)
  return text.replaceAll(/"@(\d+)"/g, (_, at) => `@${order.indexOf(Number(at))}`)
}

const moment = (at: number | null) => (at === null ? null : `@${at}`)

export type Found = Readonly<{states: number; breach: Readonly<{what: string; steps: readonly string[]}> | null}>

/** Breadth first, so that the first breach is a shortest one. `depth`: the most steps of a history. */
export function search(bounds: Bounds, depth = Number.POSITIVE_INFINITY): Found {
  const first = firstWorld(bounds)
  const known = new Map<string, Readonly<{from: string | null; what: string}>>([[keyOf(first), {from: null, what: ''}]])
  let frontier: World[] = [first]
  for (let at = 0; frontier.length > 0 && at < depth; at += 1) {
    const next: World[] = []
    for (const world of frontier) {
      const from = keyOf(world)
      for (const step of stepsOf(world, bounds)) {
        const key = keyOf(step.world)
        if (known.has(key)) continue
        known.set(key, {from, what: step.what})
        const what = breachIn(step.world)
        if (what !== null) return {states: known.size, breach: {what, steps: pathTo(key, known)}}
        next.push(step.world)
      }
    }
    frontier = next
  }
  return {states: known.size, breach: null}
}

function pathTo(key: string, known: ReadonlyMap<string, Readonly<{from: string | null; what: string}>>): string[] {
  const steps: string[] = []
  for (let at: string | null = key; at !== null; ) {
    const reached = known.get(at)
    if (reached?.what) steps.unshift(reached.what)
    at = reached?.from ?? null
  }
  return steps
}
