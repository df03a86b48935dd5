import type {Actuator, Applied} from '../core/actuator.ts'
import {type Backoff, nextBackoff} from '../core/backoff.ts'
import {holdOn} from '../core/offers/held.ts'
import {poolsOf} from '../core/offers/pools.ts'
import type {Clock, Log, Random, SnapshotSource} from '../core/ports.ts'
import type {Snapshot} from '../core/snapshot.ts'
import {deadline, nap} from '../core/wait.ts'

/** A pass takes milliseconds. A router that takes longer is asked again on a new connection. */
const passMs = 5_000
/** Capped so that a router that comes back is out of step for at most half a second. */
export const retries = {firstMs: 50, capMs: 500, jitter: 0.5} as const

/**
 * One pass. `applied`: `null` in maintenance, when the router gets no command. `startedAt`,
 * `endedAt`: monotonic milliseconds.
 */
export type Pass = Readonly<{actuator: string; applied: Applied | null; startedAt: number; endedAt: number}>

export type Actuation = Readonly<{
  actuators: readonly Actuator[]
  source: SnapshotSource
  clock: Clock
  random: Random
  log: Log
  /** The routers are read and corrected at this interval, even without a change. */
  resyncMs: () => number
  dryRun: boolean
  report: (pass: Pass) => void
}>

/**
 * A loop per actuator: one pass at once after every change, and one per `resyncMs`. An actuator that
 * fails is retried and delays no other.
 */
export function actuate(actuation: Actuation): AsyncDisposable {
  const stop = new AbortController()
  const loops = actuation.actuators.map((actuator) => keepInStep(actuator, actuation, stop.signal))
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(loops)
      await Promise.all(actuation.actuators.map((actuator) => actuator[Symbol.asyncDispose]()))
    },
  }
}

async function keepInStep(actuator: Actuator, actuation: Actuation, signal: AbortSignal): Promise<void> {
  const {source, clock, random, resyncMs} = actuation
  let backoff: Backoff | null = null
  const logProblems = problemLog(actuator.name, actuation)
  let isFrozen = source.current().maintenance !== null
  let pools = poolsOf(source.current())
  let hold = source.current().hold?.id
  let isDue = true
  let waiting: ReturnType<typeof nap> | null = null
  const unsubscribe = source.subscribe(({changes, snapshot}) => {
    const next = poolsOf(snapshot)
    isDue ||=
      next !== pools ||
      snapshot.hold?.id !== hold ||
      (snapshot.maintenance !== null) !== isFrozen ||
      changes.some(({kind}) => kind === 'role' || kind === 'drain')
    pools = next
    hold = snapshot.hold?.id
    if (isDue) waiting?.wake()
  })
  while (!signal.aborted) {
    isDue = false
    const wasFrozen = isFrozen
    isFrozen = source.current().maintenance !== null
    if (wasFrozen && !isFrozen) actuator.renew?.()
    const applied = await pass(actuator, {...actuation, isFrozen, isOutdated: () => isDue}, signal)
    if (signal.aborted) break
    if (applied) logProblems(applied)
    const hasFailed = applied?.outcome === 'failed'
    if (!hasFailed) backoff = null
    if (isDue) continue
    if (hasFailed) backoff = nextBackoff(retries, backoff, random)
    const restMs = backoff?.waitMs ?? resyncMs()
    waiting = nap(clock, Math.min(applied?.againMs ?? restMs, restMs), signal)
    await waiting.done
    waiting = null
  }
  unsubscribe()
}

async function pass(
  actuator: Actuator,
  {source, clock, dryRun, report, isFrozen, isOutdated}: Actuation & {isFrozen: boolean; isOutdated: () => boolean},
  signal: AbortSignal,
): Promise<Applied | null> {
  const startedAt = clock.now()
  using limit = deadline(clock, passMs, signal)
  if (isFrozen) await actuator.rest?.(limit.signal)
  const snapshot = source.current()
  const applied = isFrozen
    ? null
    : withHeld(await actuator.apply(snapshot, {dryRun, signal: limit.signal, isOutdated}), snapshot)
  if (!signal.aborted) report({actuator: actuator.name, applied, startedAt, endedAt: clock.now()})
  return applied
}

/** A planned switch waits for the word of every router, also of one that it does not concern. */
function withHeld(applied: Applied, snapshot: Snapshot): Applied {
  const hold = snapshot.hold ? holdOn(snapshot, snapshot.hold.group) : null
  if (hold === null || applied.held) return applied
  const status = applied.outcome === 'failed' ? 'waiting' : 'unconcerned'
  return {...applied, held: {id: hold.id, status, why: applied.problems}}
}

/**
 * Logs every step. Logs a problem when it begins, changes and ends, and a plan of a dry run when it
 * changes.
 */
function problemLog(name: string, {log}: Actuation): (applied: Applied) => void {
  let before = ''
  let planned = ''
  return ({outcome, steps, problems}) => {
    const newSteps = outcome === 'planned' && steps.join() === planned ? [] : steps
    planned = outcome === 'planned' ? steps.join() : ''
    if (newSteps.length > 0)
      log.info(
        {target: name, steps: newSteps},
        `${name}: ${outcome === 'planned' ? 'would send' : 'sent'} ${newSteps.join('; ')}`,
      )
    const problem = problems.join('; ')
    if (problem === before) return
    if (problem !== '') log.warn({target: name}, `${name}: ${problem}`)
    else log.info({target: name}, `${name}: in step again`)
    before = problem
  }
}
