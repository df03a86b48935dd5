import type {PgbouncerDatabase, PgbouncerSettings} from '../../core/actuator-settings.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {type Destination, destinationOf} from './destination.ts'
import {holdOf} from './hold-plan.ts'
import {includeOf, isNowhere, isOurs, lineOf, linesOf, type Pointer, pointerOf, withoutPointers} from './include.ts'
import {
  awayProblem,
  disabledProblem,
  endpointsOf,
  misfitOf,
  retryProblem,
  type SharedAddress,
  sharedProblem,
  takenProblem,
  textOf,
  waitingProblem,
} from './problems.ts'
import {foreignConnections, type InUse, isDeposed, type PgbouncerDatabaseState, type PgbouncerState} from './state.ts'

export type ObservedPgbouncer = Readonly<{
  /** The text of the include file; `null`: there is no file. */
  include: string | null
  /**
   * `null`: the console cannot be reached. Then only the file can be corrected, because PgBouncer
   * may start with it at any moment.
   */
  state: PgbouncerState | null
  /** PgBouncer has just received RELOAD for this text: what it shows is what it made of the text. */
  isRead: boolean
  /** Databases that this daemon has paused → for how long. Only an operator ends an operator's pause. */
  heldMs: Readonly<Record<string, number>>
  /** Databases that cannot be paused: an operator has paused all of PgBouncer, and no SHOW tells. */
  unpausable: readonly string[]
  /**
   * Where the running PgBouncer led by the file when the two last agreed. Another actuator may have
   * written the file since.
   */
  followed: Readonly<Record<string, Pointer>>
  /** The text that this PgBouncer has read last; `null`: unknown. */
  readText: string | null
  /** Every PgBouncer that reads the file takes several hosts in one entry. */
  mayList: boolean
  /**
   * The address leads to several processes, or may: nothing is paused there, because RESUME could
   * reach another process. `null`: one process.
   */
  shared: SharedAddress | null
}>

export type PgbouncerStep = Readonly<{
  kind: 'pause' | 'write' | 'reload' | 'kill' | 'resume'
  database: string | null
  why: string
}>
export type PgbouncerPlan = Readonly<{
  /**
   * In order. Afterwards PgBouncer is read and planned again: a database is resumed only once
   * PgBouncer shows the new host.
   */
  steps: readonly PgbouncerStep[]
  include: string
  problems: readonly string[]
  /** Something is wrong, and no step can correct it now; `problems` say what. */
  isStuck: boolean
  /** Look again after this time even without a change: clients are waiting. */
  againMs: number | null
}>

export type DesiredPgbouncer = Pick<PgbouncerSettings, 'databases' | 'include' | 'pauseMs'> &
  Readonly<{fallback: (group: string) => ReadFallback}>

/** How often a pause that waits for transactions to end is looked at. */
const settleMs = 50

/**
 * The commands for one PgBouncer so that it follows `snapshot` (DESIGN 9). Idempotent. The order is
 * a safety property:
 * 1. PAUSE: no client gets a server connection.
 * 2. The file.
 * 3. RELOAD: PgBouncer closes idle connections to the old host, others when their transaction ends.
 * 4. PgBouncer shows the new host.
 * 5. KILL, where a deposed primary still has connections in use: they would go on writing there.
 * 6. RESUME.
 */
export function planPgbouncer(asked: DesiredPgbouncer, observed: ObservedPgbouncer, snapshot: Snapshot): PgbouncerPlan {
  const {state, shared} = observed
  const desired = shared === null ? asked : {...asked, pauseMs: null}
  const before = observed.include ?? ''
  if (!isOurs(before)) {
    return {steps: [], include: before, problems: [takenProblem(desired.include)], isStuck: true, againMs: null}
  }
  const lines = linesOf(before)
  const {routes, problems} = routesOf({desired, observed, snapshot, lines})
  const wanted = includeOf(
    routes.flatMap(({name, database, destination}) =>
      destination.kind === 'keep' ? (lines.get(name) ?? []) : lineOf(name, destination.pointer, database),
    ),
  )
  const mustWrite = wanted !== before && routes.some(({destination}) => destination.kind !== 'keep')
  const include = mustWrite ? wanted : before
  const isAnyMisled = routes.some((route) => isMisled(route) && !rests(route, {desired, observed, snapshot}))
  const mustReload =
    state !== null &&
    (withoutPointers(include) !== withoutPointers(observed.readText ?? before) ||
      (isAnyMisled && (mustWrite || !observed.isRead)))
  const plans =
    state === null ? [] : routes.map((route) => planRoute(route, {desired, observed, state, snapshot, mustReload}))
  const waits = plans.flatMap(({againMs = null}) => againMs ?? [])
  return {
    steps: inOrder([
      ...(mustWrite ? [writeStep(routes)] : []),
      ...(mustReload ? [reloadStep] : []),
      ...plans.flatMap(({steps = []}) => steps),
    ]),
    include,
    problems: [
      ...(shared === null ? [] : [sharedProblem(shared)]),
      ...problems,
      ...plans.flatMap(({problem = null}) => problem ?? []),
      ...retryProblem(state?.loginRetryS ?? null),
    ],
    isStuck: shared !== null || plans.some(({isStuck = false}) => isStuck),
    againMs: waits.length > 0 ? Math.min(...waits) : null,
  }
}

const order: readonly PgbouncerStep['kind'][] = ['pause', 'write', 'reload', 'kill', 'resume']
const inOrder = (steps: readonly PgbouncerStep[]): readonly PgbouncerStep[] =>
  order.flatMap((kind) => steps.filter((step) => step.kind === kind))

const reloadStep: PgbouncerStep = {kind: 'reload', database: null, why: 'so that PgBouncer reads the file again'}

function writeStep(routes: readonly Route[]): PgbouncerStep {
  const leading = routes.flatMap(({name, destination}) =>
    destination.kind === 'keep' ? [] : `${name} -> ${textOf(destination.pointer)}`,
  )
  return {kind: 'write', database: null, why: leading.join(', ')}
}

/**
 * One database: `destination`, where it shall lead; `now`, where it leads by the include file;
 * `shown`, what PgBouncer says.
 */
type Route = Readonly<{
  name: string
  database: PgbouncerDatabase
  destination: Destination
  now: Pointer | null
  shown: PgbouncerDatabaseState | undefined
}>
type RoutesInput = Readonly<{
  desired: DesiredPgbouncer
  observed: ObservedPgbouncer
  snapshot: Snapshot
  /** Of the include file, by database. */
  lines: ReadonlyMap<string, string>
}>

/** A database that cannot be written to the file is a problem, and no route. */
function routesOf({desired, observed: {mayList, state}, snapshot, lines}: RoutesInput): Readonly<{
  routes: readonly Route[]
  problems: readonly string[]
}> {
  const problems: string[] = []
  const routes = Object.entries(desired.databases).flatMap(([name, database]): Route[] => {
    const problem = misfitOf(name, database)
    if (problem !== null) problems.push(problem)
    const now = pointerOf(lines.get(name) ?? '')
    const destination = destinationOf({name, database, now, snapshot, fallback: desired.fallback, mayList})
    if (destination.kind === 'keep' && destination.problem !== null) problems.push(destination.problem)
    const shown = state?.databases.find((entry) => entry.name === name)
    return problem === null ? [{name, database, destination, now, shown}] : []
  })
  return {routes, problems}
}

type RoutePlanInput = Readonly<{
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

function planRoute(route: Route, input: RoutePlanInput): RoutePlan {
  const {desired, observed, state, mustReload} = input
  const {name, database, destination, shown} = route
  const isPrimary = database.role === 'primary'
  if (destination.kind === 'keep') return {}
  const isResting = rests(route, input)
  const isHeld = holdOf(database, input.snapshot) !== null
  if (shown === undefined || (isMisled(route) && !isResting)) {
    if (!mustReload) return {problem: awayProblem(name, shown, desired.include), isStuck: true}
    return isPrimary && isOursToPause(route, observed) && desired.pauseMs !== null
      ? {steps: [{kind: 'pause', database: name, why: 'clients wait while the database moves'}]}
      : {}
  }
  const heldMs = heldMsOf(name, observed) ?? null
  if (isResting && heldMs === null) return {steps: [{kind: 'pause', database: name, why: 'clients wait for a primary'}]}
  if (isHeld && !isResting) return planHeld(route, input)
  const problem = shown.isDisabled ? disabledProblem(name) : null
  const inUse = isPrimary ? foreignConnections(name, destination.pointer, state) : []
  return {
    problem,
    ...planRelease({...route, destination, heldMs, inUse, isHeld, isPaused: shown.isPaused}, input, problem),
  }
}

/** A planned switch: the database leads where it did, its clients wait, and no RESUME comes before its end. */
function planHeld(route: Route, {observed, state}: RoutePlanInput): RoutePlan {
  const {name} = route
  const waits = state.inUse.some(({database}) => database === name) ? {againMs: settleMs} : {}
  const isHeld = heldMsOf(name, observed) !== undefined || observed.unpausable.includes(name)
  if (isHeld || observed.shared !== null || !isOursToPause(route, observed)) return waits
  return {steps: [{kind: 'pause', database: name, why: 'clients wait for the planned switch'}], ...waits}
}

type Release = Readonly<{
  name: string
  destination: Exclude<Destination, {kind: 'keep'}>
  heldMs: number | null
  /** Connections in use at another host than the destination. */
  inUse: readonly InUse[]
  isHeld: boolean
  isPaused: boolean
}>

/** KILL and RESUME of a database that PgBouncer shows where it shall lead, or that rests. */
function planRelease(
  {name, destination, heldMs, inUse, isPaused, isHeld}: Release,
  {desired, observed, state, snapshot}: RoutePlanInput,
  problem: string | null,
): RoutePlan {
  const resume = (why: string): PgbouncerStep => ({kind: 'resume', database: name, why})
  const mayKill = observed.shared === null
  if (mayKill && destination.kind === 'at' && inUse.some((connection) => isDeposed(connection, state, snapshot))) {
    const why = `${destination.hosts.join(', ')} has taken over, and connections to ${endpointsOf(inUse)} do not end`
    const kill: PgbouncerStep = {kind: 'kill', database: name, why}
    return {steps: heldMs !== null || !isPaused ? [kill, resume('after KILL')] : [kill]}
  }
  if (heldMs === null || (destination.kind === 'nowhere' && isHeld)) return {}
  const leftMs = (desired.pauseMs ?? 0) - heldMs
  if (leftMs > 0 && inUse.length > 0) {
    return {problem: problem ?? waitingProblem(name, inUse), isStuck: true, againMs: Math.min(leftMs, settleMs)}
  }
  if (leftMs > 0 && destination.kind === 'nowhere') return {againMs: leftMs}
  const why =
    destination.kind === 'at'
      ? `the database leads to ${destination.hosts.join(', ')}`
      : `clients have waited for ${desired.pauseMs ?? 0} ms`
  return {steps: [resume(why)]}
}

/**
 * No host may be written to, and while the database is paused no client writes. The file leads
 * nowhere already, for a PgBouncer that starts; the running one gets RELOAD when the pause is over
 * and there is still no primary. Until then PgBouncer accepts new clients and tries no connection
 * that fails. After a failed connection it would wait for server_login_retry (both seen to cost
 * half a second).
 */
function rests(route: Route, {desired, observed, snapshot}: Omit<RoutePlanInput, 'state' | 'mustReload'>): boolean {
  const {name, database, destination, shown} = route
  const isHeld = observed.shared === null && holdOf(database, snapshot) !== null
  const pauseMs = isHeld ? Number.POSITIVE_INFINITY : desired.pauseMs
  if (destination.kind !== 'nowhere' || database.role !== 'primary' || pauseMs === null) return false
  if (shown === undefined || isNowhere(shown)) return false
  const held = heldMsOf(name, observed)
  return held === undefined ? isOursToPause(route, observed) && !observed.unpausable.includes(name) : held < pauseMs
}

/** Own properties only: a database may be called "constructor". */
const heldMsOf = (name: string, {heldMs}: ObservedPgbouncer): number | undefined =>
  Object.hasOwn(heldMs, name) ? heldMs[name] : undefined

/**
 * A database that leads elsewhere than the include file says, or said, is under another file's
 * control, and RELOAD may not move it: its clients would wait in vain.
 */
const isOursToPause = ({now, shown, ...route}: Route, {followed}: ObservedPgbouncer): boolean => {
  const before = Object.hasOwn(followed, route.name) ? followed[route.name] : null
  const isLed = (pointer: Pointer | null | undefined) =>
    shown !== undefined && !!pointer && !isNowhere(pointer) && leads(shown, pointer, route)
  return shown !== undefined && !shown.isPaused && (isLed(now) || isLed(before))
}

const isMisled = (route: Route): boolean =>
  route.destination.kind !== 'keep' && !(route.shown && leads(route.shown, route.destination.pointer, route))

const leads = (
  shown: PgbouncerDatabaseState,
  {host, port}: Pointer,
  {name, database}: Pick<Route, 'name' | 'database'>,
): boolean => shown.host === host && shown.port === port && shown.dbname === (database.dbname ?? name)
