import type {Actuator, Applied} from '../core/actuator.ts'
import {type Backoff, nextBackoff} from '../core/backoff.ts'
import {poolsOf} from '../core/offers/pools.ts'
import type {Clock, Log, Random, SnapshotSource} from '../core/ports.ts'
import {deadline, nap} from '../core/wait.ts'

/**
 * One pass over a target takes milliseconds; a target that takes longer is tried again rather than
 * waited for.
 */
const passMs = 5_000
/** Capped so that a router that comes back is out of step for at most half a second. */
export const retries = {firstMs: 50, capMs: 500, jitter: 0.5} as const

/**
 * What became of one pass; `null`: maintenance, nothing was told. `startedAt`, `endedAt`: monotonic
 * milliseconds.
 */
export type Pass = Readonly<{actuator: string; applied: Applied | null; startedAt: number; endedAt: number}>

export type Actuation = Readonly<{
  actuators: readonly Actuator[]
  source: SnapshotSource
  clock: Clock
  random: Random
  log: Log
  /** Targets are read and put right so often, also when nothing changed. */
  resyncMs: () => number
  dryRun: boolean
  report: (pass: Pass) => void
}>

/**
 * A loop per target: at once on every change, after a while otherwise. One that cannot be reached
 * is retried and delays nobody else.
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
  let isDue = true
  let waiting: ReturnType<typeof nap> | null = null
  const unsubscribe = source.subscribe(({changes, snapshot}) => {
    const next = poolsOf(snapshot)
    isDue ||=
      next !== pools ||
      (snapshot.maintenance !== null) !== isFrozen ||
      changes.some(({kind}) => kind === 'role' || kind === 'drain')
    pools = next
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
  const applied = isFrozen ? null : await actuator.apply(source.current(), {dryRun, signal: limit.signal, isOutdated})
  if (!signal.aborted) report({actuator: actuator.name, applied, startedAt, endedAt: clock.now()})
  return applied
}

/**
 * Every step is logged; a problem is logged when it comes, when it becomes another one, and when it
 * is over. A plan is not repeated either.
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
        `${name}: ${outcome === 'planned' ? 'would say' : 'said'} ${newSteps.join('; ')}`,
      )
    const problem = problems.join('; ')
    if (problem === before) return
    if (problem !== '') log.warn({target: name}, `${name}: ${problem}`)
    else log.info({target: name}, `${name}: in order again`)
    before = problem
  }
}
