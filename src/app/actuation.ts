import type {Actuator, Applied} from '../core/actuator.ts'
import type {Clock, Log, Random, SnapshotSource} from '../core/ports.ts'
import {backoff} from '../monitor/backoff.ts'
import {deadline, nap} from '../monitor/wait.ts'

/** One pass over a target takes milliseconds; a target that takes longer is tried again rather than waited for. */
const passMs = 5_000
/** How long an unreachable target may stay out of step after it has returned. */
const retryMs = 1_000

/** What became of one pass. `startedAt`, `endedAt`: monotonic milliseconds. */
export type Pass = Readonly<{target: string; applied: Applied; startedAt: number; endedAt: number}>

export type Actuation = Readonly<{
  actuators: readonly Actuator[]
  source: SnapshotSource
  clock: Clock
  random: Random
  log: Log
  /** Targets are read and put right so often, also when nothing changed. */
  resyncMs: number
  dryRun: boolean
  /** Maintenance: nothing is told to anybody. */
  isFrozen: () => boolean
  report: (pass: Pass) => void
}>

/** A loop per target: at once on every change, after a while otherwise. One that cannot be reached is retried and delays nobody else. */
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
  const {source, clock, random, resyncMs, dryRun, isFrozen, report} = actuation
  const patience = backoff(random, () => retryMs)
  let isDue = true
  let waiting: ReturnType<typeof nap> | null = null
  const unsubscribe = source.subscribe(({changes}) => {
    if (changes.some(({kind}) => kind !== 'actuator' && kind !== 'evidence')) isDue = true
    if (isDue) waiting?.wake()
  })
  while (!signal.aborted) {
    isDue = false
    let waitMs = resyncMs
    if (!isFrozen()) {
      const startedAt = clock.now()
      using limit = deadline(clock, passMs, signal)
      const applied = await actuator.apply(source.current(), {dryRun, signal: limit.signal})
      if (signal.aborted) break
      tell(actuator.name, applied, actuation)
      report({target: actuator.name, applied, startedAt, endedAt: clock.now()})
      if (applied.outcome === 'failed') waitMs = patience.next()
      else patience.reset()
    }
    if (isDue) continue
    waiting = nap(clock, waitMs, signal)
    await waiting.done
    waiting = null
  }
  unsubscribe()
}

const said = new WeakMap<Actuation, Map<string, string>>()

/** Every step is logged; a problem is logged when it comes, when it becomes another one, and when it is over. */
function tell(target: string, {outcome, steps, problems}: Applied, actuation: Actuation): void {
  const {log} = actuation
  const before = said.get(actuation) ?? new Map<string, string>()
  said.set(actuation, before)
  if (steps.length > 0) log.info({target, steps}, outcome === 'planned' ? `${target}: would do` : `${target}: done`)
  const problem = problems.join('; ')
  if (problem === (before.get(target) ?? '')) return
  if (problem !== '') log.warn({target}, `${target}: ${problem}`)
  else log.info({target}, `${target}: in order again`)
  before.set(target, problem)
}
