import type {PgbouncerDatabase, PgbouncerSettings} from '../../core/actuator-settings.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {type Destination, destinationOf} from './destination.ts'
import {includeOf, isNowhere, isOurs, lineOf, linesOf, type Pointer, pointerOf, withoutPointers} from './include.ts'
import {
  awayProblem,
  disabledProblem,
  endpointsOf,
  misfitOf,
  retryProblem,
  takenProblem,
  textOf,
  waitingProblem,
} from './problems.ts'
import {foreignConnections, isDeposed, type PgbouncerDatabaseState, type PgbouncerState} from './state.ts'

export type ObservedPgbouncer = Readonly<{
  /** The text of our file; `null`: it is not there. */
  include: string | null
  /**
   * `null`: the console cannot be reached, so only the file can be put right: PgBouncer may be
   * about to start with it.
   */
  state: PgbouncerState | null
  /** PgBouncer was told just now to read the file as it is: what it shows is what it made of it. */
  isRead: boolean
  /**
   * Databases that are paused at our word → for how long. A pause of somebody else's is his to end.
   */
  heldMs: Readonly<Record<string, number>>
  /**
   * Databases that cannot be paused, because somebody has paused all of PgBouncer, which nothing
   * shows.
   */
  unpausable: readonly string[]
}>

export type PgbouncerStep = Readonly<{
  kind: 'pause' | 'write' | 'reload' | 'kill' | 'resume'
  database: string | null
  why: string
}>
export type PgbouncerPlan = Readonly<{
  /**
   * In order. Afterwards all is read and planned again: a database is let go only where it is seen
   * to lead.
   */
  steps: readonly PgbouncerStep[]
  include: string
  problems: readonly string[]
  /**
   * Something is not as it should be, and nothing can be done about it now; `problems` say what.
   */
  isStuck: boolean
  /** Look again after so long, though nothing changed: clients are waiting. */
  againMs: number | null
}>

export type DesiredPgbouncer = Pick<PgbouncerSettings, 'databases' | 'include' | 'pauseMs'> &
  Readonly<{fallback: (group: string) => ReadFallback}>

/** So often a pause is looked at that waits for transactions to end. */
const settleMs = 50

/**
 * What one PgBouncer must be told so that it follows `snapshot` (DESIGN 9). Idempotent. The order
 * is a safety property: PAUSE (nobody gets a server connection) → the file → RELOAD (idle
 * connections to the old host are closed, others when their transaction ends) → seen to lead there
 * → what is still in use on a deposed primary is cut by KILL, for it would go on writing there →
 * RESUME.
 */
export function planPgbouncer(
  desired: DesiredPgbouncer,
  observed: ObservedPgbouncer,
  snapshot: Snapshot,
): PgbouncerPlan {
  const {state, isRead} = observed
  const before = observed.include ?? ''
  if (!isOurs(before)) {
    return {steps: [], include: before, problems: [takenProblem(desired.include)], isStuck: true, againMs: null}
  }
  const lines = linesOf(before)
  const mayList = !state?.version || state.version[0] > 1 || state.version[1] >= 17
  const problems: string[] = []
  const routes = Object.entries(desired.databases).flatMap(([name, database]): Route[] => {
    const problem = misfitOf(name, database)
    if (problem !== null) problems.push(problem)
    const now = pointerOf(lines.get(name) ?? '')
    const destination = destinationOf({name, database, now, snapshot, fallback: desired.fallback, mayList})
    if (destination.kind === 'keep' && destination.problem !== null) problems.push(destination.problem)
    return problem === null
      ? [{name, database, destination, now, shown: state?.databases.find((entry) => entry.name === name)}]
      : []
  })
  const include = includeOf(
    routes.flatMap(({name, database, destination}) =>
      destination.kind === 'keep' ? (lines.get(name) ?? []) : lineOf(name, destination.pointer, database),
    ),
  )
  const mustWrite = include !== before && routes.some(({destination}) => destination.kind !== 'keep')
  const isAnyMisled = routes.some((route) => isMisled(route) && !rests(route, desired, observed))
  const mustReload =
    state !== null &&
    ((mustWrite && withoutPointers(include) !== withoutPointers(before)) || (isAnyMisled && (mustWrite || !isRead)))
  const plans =
    state === null ? [] : routes.map((route) => planRoute(route, {desired, observed, state, snapshot, mustReload}))
  const of = (kind: PgbouncerStep['kind']) =>
    plans.flatMap(({steps = []}) => steps.filter((step) => step.kind === kind))
  const leading = routes.flatMap(({name, destination}) =>
    destination.kind === 'keep' ? [] : `${name} -> ${textOf(destination.pointer)}`,
  )
  const write: PgbouncerStep = {kind: 'write', database: null, why: leading.join(', ')}
  const reload: PgbouncerStep = {kind: 'reload', database: null, why: 'so that PgBouncer reads the file again'}
  const waits = plans.flatMap(({againMs = null}) => againMs ?? [])
  return {
    steps: [
      ...of('pause'),
      ...(mustWrite ? [write] : []),
      ...(mustReload ? [reload] : []),
      ...of('kill'),
      ...of('resume'),
    ],
    include,
    problems: [
      ...problems,
      ...plans.flatMap(({problem = null}) => problem ?? []),
      ...retryProblem(state?.loginRetryS ?? null),
    ],
    isStuck: plans.some(({isStuck = false}) => isStuck),
    againMs: waits.length > 0 ? Math.min(...waits) : null,
  }
}

/**
 * One database: where it is to lead, where it leads by our file (`now`), and by PgBouncer's own
 * account (`shown`).
 */
type Route = Readonly<{
  name: string
  database: PgbouncerDatabase
  destination: Destination
  now: Pointer | null
  shown: PgbouncerDatabaseState | undefined
}>
type PlanInput = Readonly<{
  desired: DesiredPgbouncer
  observed: ObservedPgbouncer
  state: PgbouncerState
  snapshot: Snapshot
  mustReload: boolean
}>
type RoutePlan = Readonly<{
  steps?: readonly PgbouncerStep[]
  problem?: string | null
  isStuck?: boolean
  againMs?: number
}>

function planRoute(route: Route, {desired, observed, state, snapshot, mustReload}: PlanInput): RoutePlan {
  const {name, database, destination, shown} = route
  const isPrimary = database.role === 'primary'
  const step = (kind: PgbouncerStep['kind'], why: string): PgbouncerStep => ({kind, database: name, why})
  if (destination.kind === 'keep') return {}
  const isResting = rests(route, desired, observed)
  if (shown === undefined || (isMisled(route) && !isResting)) {
    if (!mustReload) return {problem: awayProblem(name, shown, desired.include), isStuck: true}
    return isPrimary && isOursToPause(route) && desired.pauseMs !== null
      ? {steps: [step('pause', 'clients wait while it moves')]}
      : {}
  }
  const heldMs = heldMsOf(name, observed) ?? null
  if (isResting && heldMs === null) return {steps: [step('pause', 'clients wait until somebody may be written to')]}
  const problem = shown.isDisabled ? disabledProblem(name) : null
  const inUse = isPrimary ? foreignConnections(name, destination.pointer, state) : []
  const resume = heldMs !== null || !shown.isPaused
  if (destination.kind === 'at' && inUse.some((connection) => isDeposed(connection, state, snapshot))) {
    const kill = step(
      'kill',
      `${destination.hosts.join(', ')} has taken over, and connections to ${endpointsOf(inUse)} do not end`,
    )
    return {problem, steps: resume ? [kill, step('resume', 'after KILL')] : [kill]}
  }
  if (heldMs === null) return {problem}
  const leftMs = (desired.pauseMs ?? 0) - heldMs
  if (leftMs > 0 && inUse.length > 0) {
    return {problem: problem ?? waitingProblem(name, inUse), isStuck: true, againMs: Math.min(leftMs, settleMs)}
  }
  if (leftMs > 0 && destination.kind === 'nowhere') return {problem, againMs: leftMs}
  const why =
    destination.kind === 'at'
      ? `it leads to ${destination.hosts.join(', ')}`
      : `clients have waited for ${desired.pauseMs ?? 0} ms`
  return {problem, steps: [step('resume', why)]}
}

/**
 * Nobody may be written to, and while it is paused nobody is. The file says so already, for a
 * PgBouncer that starts; this one is told to read it when the pause is over and there is still
 * nobody. Until then it knows how to welcome new clients, and makes no connection that fails, after
 * which it would wait for server_login_retry (both seen to cost half a second).
 */
function rests(route: Route, {pauseMs}: DesiredPgbouncer, observed: ObservedPgbouncer): boolean {
  const {name, database, destination, shown} = route
  if (destination.kind !== 'nowhere' || database.role !== 'primary' || pauseMs === null) return false
  if (shown === undefined || isNowhere(shown)) return false
  const held = heldMsOf(name, observed)
  return held === undefined ? isOursToPause(route) && !observed.unpausable.includes(name) : held < pauseMs
}

/** Databases have any name, and every object has a "constructor". */
const heldMsOf = (name: string, {heldMs}: ObservedPgbouncer): number | undefined =>
  Object.hasOwn(heldMs, name) ? heldMs[name] : undefined

/**
 * What leads elsewhere than our file says is somebody else's, and may stay so: its clients would
 * wait in vain.
 */
const isOursToPause = ({now, shown, ...route}: Route): boolean =>
  shown !== undefined && !shown.isPaused && now !== null && !isNowhere(now) && leads(shown, now, route)

const isMisled = (route: Route): boolean =>
  route.destination.kind !== 'keep' && !(route.shown && leads(route.shown, route.destination.pointer, route))

const leads = (
  shown: PgbouncerDatabaseState,
  {host, port}: Pointer,
  {name, database}: Pick<Route, 'name' | 'database'>,
): boolean => shown.host === host && shown.port === port && shown.dbname === (database.dbname ?? name)
