import type {PgbouncerDatabase, PgbouncerSettings} from '../../core/actuator-settings.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {type Destination, destinationOf} from './destination.ts'
import {includeOf, isNowhere, isOurs, lineOf, linesOf, type Pointer, pointerOf, withoutPointers} from './include.ts'
import {
  awayProblem,
  disabledProblem,
  inWords,
  misfitOf,
  placesOf,
  retryProblem,
  takenProblem,
  waitingProblem,
} from './problems.ts'
import {deposed, foreignConnections, type PgbouncerDatabaseState, type PgbouncerState} from './state.ts'

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
export function planPgbouncer(wish: DesiredPgbouncer, sight: ObservedPgbouncer, snapshot: Snapshot): PgbouncerPlan {
  const {state, isRead} = sight
  const before = sight.include ?? ''
  if (!isOurs(before)) {
    return {steps: [], include: before, problems: [takenProblem(wish.include)], isStuck: true, againMs: null}
  }
  const lines = linesOf(before)
  const mayList = !state?.version || state.version[0] > 1 || state.version[1] >= 17
  const problems: string[] = []
  const aims = Object.entries(wish.databases).flatMap(([name, database]): Aim[] => {
    const problem = misfitOf(name, database)
    if (problem !== null) problems.push(problem)
    const now = pointerOf(lines.get(name) ?? '')
    const target = destinationOf({name, database, now, snapshot, fallback: wish.fallback, mayList})
    if (target.kind === 'keep' && target.problem !== null) problems.push(target.problem)
    return problem === null
      ? [{name, database, target, now, shown: state?.databases.find((entry) => entry.name === name)}]
      : []
  })
  const include = includeOf(
    aims.flatMap(({name, database, target}) =>
      target.kind === 'keep' ? (lines.get(name) ?? []) : lineOf(name, target.pointer, database),
    ),
  )
  const mustWrite = include !== before && aims.some(({target}) => target.kind !== 'keep')
  const isAstray = aims.some((aim) => isAway(aim) && !rests(aim, wish, sight))
  const mustReload =
    state !== null &&
    ((mustWrite && withoutPointers(include) !== withoutPointers(before)) || (isAstray && (mustWrite || !isRead)))
  const parts = state === null ? [] : aims.map((aim) => partOf(aim, {wish, sight, state, snapshot, mustReload}))
  const of = (kind: PgbouncerStep['kind']) =>
    parts.flatMap(({steps = []}) => steps.filter((step) => step.kind === kind))
  const leading = aims.flatMap(({name, target}) =>
    target.kind === 'keep' ? [] : `${name} -> ${inWords(target.pointer)}`,
  )
  const write: PgbouncerStep = {kind: 'write', database: null, why: leading.join(', ')}
  const reload: PgbouncerStep = {kind: 'reload', database: null, why: 'so that PgBouncer reads the file again'}
  const waits = parts.flatMap(({againMs = null}) => againMs ?? [])
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
      ...parts.flatMap(({problem = null}) => problem ?? []),
      ...retryProblem(state?.loginRetryS ?? null),
    ],
    isStuck: parts.some(({isStuck = false}) => isStuck),
    againMs: waits.length > 0 ? Math.min(...waits) : null,
  }
}

/**
 * One database: where it is to lead, where it leads by our file (`now`), and by PgBouncer's own
 * account (`shown`).
 */
type Aim = Readonly<{
  name: string
  database: PgbouncerDatabase
  target: Destination
  now: Pointer | null
  shown: PgbouncerDatabaseState | undefined
}>
type Around = Readonly<{
  wish: DesiredPgbouncer
  sight: ObservedPgbouncer
  state: PgbouncerState
  snapshot: Snapshot
  mustReload: boolean
}>
type Part = Readonly<{steps?: readonly PgbouncerStep[]; problem?: string | null; isStuck?: boolean; againMs?: number}>

function partOf(aim: Aim, {wish, sight, state, snapshot, mustReload}: Around): Part {
  const {name, database, target, shown} = aim
  const isPrimary = database.role === 'primary'
  const step = (kind: PgbouncerStep['kind'], why: string): PgbouncerStep => ({kind, database: name, why})
  if (target.kind === 'keep') return {}
  const isResting = rests(aim, wish, sight)
  if (shown === undefined || (isAway(aim) && !isResting)) {
    if (!mustReload) return {problem: awayProblem(name, shown, wish.include), isStuck: true}
    return isPrimary && isOursToPause(aim) && wish.pauseMs !== null
      ? {steps: [step('pause', 'clients wait while it moves')]}
      : {}
  }
  const heldMs = heldMsOf(name, sight) ?? null
  if (isResting && heldMs === null) return {steps: [step('pause', 'clients wait until somebody may be written to')]}
  const problem = shown.isDisabled ? disabledProblem(name) : null
  const inUse = isPrimary ? foreignConnections(name, target.pointer, state) : []
  const resume = heldMs !== null || !shown.isPaused
  if (target.kind === 'at' && inUse.some((stray) => deposed(stray, state, snapshot))) {
    const kill = step(
      'kill',
      `${target.hosts.join(', ')} has taken over, and connections to ${placesOf(inUse)} do not end`,
    )
    return {problem, steps: resume ? [kill, step('resume', 'after KILL')] : [kill]}
  }
  if (heldMs === null) return {problem}
  const leftMs = (wish.pauseMs ?? 0) - heldMs
  if (leftMs > 0 && inUse.length > 0) {
    return {problem: problem ?? waitingProblem(name, inUse), isStuck: true, againMs: Math.min(leftMs, settleMs)}
  }
  if (leftMs > 0 && target.kind === 'nowhere') return {problem, againMs: leftMs}
  const why =
    target.kind === 'at' ? `it leads to ${target.hosts.join(', ')}` : `clients have waited for ${wish.pauseMs ?? 0} ms`
  return {problem, steps: [step('resume', why)]}
}

/**
 * Nobody may be written to, and while it is paused nobody is. The file says so already, for a
 * PgBouncer that starts; this one is told to read it when the pause is over and there is still
 * nobody. Until then it knows how to welcome new clients, and makes no connection that fails, after
 * which it would wait for server_login_retry (both seen to cost half a second).
 */
function rests(aim: Aim, {pauseMs}: DesiredPgbouncer, sight: ObservedPgbouncer): boolean {
  const {name, database, target, shown} = aim
  if (target.kind !== 'nowhere' || database.role !== 'primary' || pauseMs === null) return false
  if (shown === undefined || isNowhere(shown)) return false
  const held = heldMsOf(name, sight)
  return held === undefined ? isOursToPause(aim) && !sight.unpausable.includes(name) : held < pauseMs
}

/** Databases have any name, and every object has a "constructor". */
const heldMsOf = (name: string, {heldMs}: ObservedPgbouncer): number | undefined =>
  Object.hasOwn(heldMs, name) ? heldMs[name] : undefined

/**
 * What leads elsewhere than our file says is somebody else's, and may stay so: its clients would
 * wait in vain.
 */
const isOursToPause = ({now, shown, ...aim}: Aim): boolean =>
  shown !== undefined && !shown.isPaused && now !== null && !isNowhere(now) && leads(shown, now, aim)

const isAway = (aim: Aim): boolean =>
  aim.target.kind !== 'keep' && !(aim.shown && leads(aim.shown, aim.target.pointer, aim))

const leads = (
  shown: PgbouncerDatabaseState,
  {host, port}: Pointer,
  {name, database}: Pick<Aim, 'name' | 'database'>,
): boolean => shown.host === host && shown.port === port && shown.dbname === (database.dbname ?? name)
