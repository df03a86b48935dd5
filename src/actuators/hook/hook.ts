import type {HookSettings} from '../../core/actuator-settings.ts'
import {type Backoff, nextBackoff} from '../../core/backoff.ts'
import type {Clock, Log, Random} from '../../core/ports.ts'
import {deadline, sleep} from '../../core/wait.ts'
import {commandDelivery} from './command.ts'
import {type Delivery, failed} from './delivery.ts'
import {DeliveryLog, type HookReport} from './delivery-log.ts'
import {type HookEvent, isWanted} from './event.ts'
import {retries, retryMs} from './retry.ts'
import {webhookDelivery} from './webhook.ts'

/**
 * Events that may wait. A verdict may change a hundred times while a hook hangs: the oldest changes
 * are dropped, and counted.
 */
export const queueBound = 100
/** The time that a running delivery gets when the daemon stops. */
const stopMs = 2_000
const stopping = 'the daemon stops or the configuration of this hook has changed'

export type HookDeps = Readonly<{
  clock: Clock
  random: Random
  log: Log
  /** Called for every try and every lost event; must not throw. */
  report: (report: HookReport) => void
  /** Source of PATH, HOME and LANG for commands; default: the environment of the daemon. */
  env?: Readonly<Record<string, string | undefined>>
  /** Default: `hookName`. */
  name?: string
}>

/**
 * Delivers changes of verdicts to one command or webhook: one event at a time, in order, at least
 * once. A receiver that answers too late gets the event again.
 */
export interface Hook extends AsyncDisposable {
  readonly name: string
  /** Events in the queue, with the one that is being delivered. */
  readonly waiting: number
  /** Events lost since the start. */
  readonly lost: number
  /**
   * Never waits, never throws. Ignores events that the hook does not want, and every event after
   * disposal.
   */
  notify(event: HookEvent): void
  /**
   * Gives the running try two seconds, then ends it with all of its processes. Events in the queue
   * are not delivered.
   */
  [Symbol.asyncDispose](): Promise<void>
}

/** The arguments of a command and the path of a webhook may be secrets. */
export const hookName = (settings: HookSettings): string =>
  settings.kind === 'run' ? `hook ${settings.argv[0] ?? ''}` : `hook ${new URL(settings.url).origin}`

/** Hooks of the same command or server get a number, in the order of the configuration. */
export function hookNames(all: readonly HookSettings[]): readonly string[] {
  const names = all.map(hookName)
  return names.map((name, index) => {
    const earlier = names.slice(0, index).filter((other) => other === name).length
    return earlier === 0 ? name : `${name} #${earlier + 1}`
  })
}

export function hook(
  settings: HookSettings,
  {clock, random, log, report, env = process.env, name = hookName(settings)}: HookDeps,
): Hook {
  const deliver = settings.kind === 'run' ? commandDelivery(settings, {clock, env}) : webhookDelivery(settings, clock)
  const waiting: HookEvent[] = []
  const deliveryLog = new DeliveryLog({name, log, report, waiting: () => waiting.length})
  /** `stop`: no further try. `abort`: ends the running one. */
  const [stop, abort] = [new AbortController(), new AbortController()]
  let work: Promise<void> | null = null

  async function deliverAll(): Promise<void> {
    for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) await deliverOne(event)
    deliveryLog.caughtUp()
    work = null
  }

  async function deliverOne(event: HookEvent): Promise<void> {
    let backoff: Backoff | null = null
    for (let attempt = 1; ; attempt += 1) {
      const begun = clock.now()
      const delivery = await tryOnce(event)
      const ms = clock.now() - begun
      if (delivery.kind === 'delivered') return deliveryLog.delivered(event, delivery.problem, ms)
      deliveryLog.failed(event, delivery.problem, delivery.details, ms)
      if (delivery.isFinal || attempt > settings.retries) return deliveryLog.gaveUp(event, delivery.problem, attempt)
      backoff = nextBackoff(retries, backoff, random)
      await sleep(clock, retryMs(backoff.waitMs, delivery.askedMs), stop.signal)
      if (stop.signal.aborted)
        return deliveryLog.gaveUp(event, `${stopping}; the last try ${delivery.problem}`, attempt)
    }
  }

  async function tryOnce(event: HookEvent): Promise<Delivery> {
    using limit = deadline(clock, settings.timeoutMs, abort.signal)
    try {
      const delivery = await deliver(event, limit.signal)
      return delivery.kind === 'failed' && abort.signal.aborted
        ? {...delivery, problem: `was cut short because ${stopping}`}
        : delivery
    } catch (error) {
      // A bug in a hook must not end the daemon. Its message is not shown: it may hold the address.
      return failed(
        `failed because of a bug in pgroute66 (${error instanceof Error ? error.name : 'error'}): please report it`,
        {isFinal: true},
      )
    }
  }

  return {
    name,
    get waiting() {
      return waiting.length + Number(work !== null)
    },
    get lost() {
      return deliveryLog.dropped
    },
    notify(event) {
      if (stop.signal.aborted || !isWanted(settings, event)) return
      if (waiting.length >= queueBound) {
        waiting.shift()
        deliveryLog.overflowed()
      }
      waiting.push(event)
      work ??= deliverAll()
    },
    async [Symbol.asyncDispose]() {
      if (!stop.signal.aborted) deliveryLog.stopped(waiting.length)
      stop.abort()
      waiting.length = 0
      const cancel = clock.after(stopMs, () => abort.abort())
      await work
      cancel()
    },
  }
}

export type {HookReport} from './delivery-log.ts'
export type {HookEvent} from './event.ts'
