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
 * Events that may wait. A verdict that changes a hundred times while a hook hangs is news no more,
 * but each number is kept.
 */
export const queueBound = 100
/** What a delivery under way gets when the daemon stops. */
const stopMs = 2_000
const stopping = 'the daemon stops, or this hook was changed'

export type HookDeps = Readonly<{
  clock: Clock
  random: Random
  log: Log
  /** Called for every try and every lost event; must not throw. */
  report: (report: HookReport) => void
  /** Where PATH, HOME and LANG of commands come from; default: our own environment. */
  env?: Readonly<Record<string, string | undefined>>
  /** Default: `hookName`. */
  name?: string
}>

/**
 * Somebody who is told of changed verdicts: one event at a time, in order, at least once - a
 * receiver that answers too late is told again.
 */
export interface Hook extends AsyncDisposable {
  readonly name: string
  /**
   * Never waits, never throws. What the hook does not want is passed over; after disposal
   * everything is.
   */
  notify(event: HookEvent): void
  /**
   * Gives the try under way two seconds, then ends it with all of its processes; what waits is not
   * told.
   */
  [Symbol.asyncDispose](): Promise<void>
}

/** The arguments of a command and the path of a webhook may be secrets. */
export const hookName = (settings: HookSettings): string =>
  settings.kind === 'run' ? `hook ${settings.argv[0] ?? ''}` : `hook ${new URL(settings.url).origin}`

/**
 * Hooks of one command or one server are told apart by number, in the order of the configuration.
 */
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
  /** No further try; and then: not even the one under way. */
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
      if (stop.signal.aborted) return deliveryLog.gaveUp(event, `${stopping}, and ${delivery.problem}`, attempt)
    }
  }

  async function tryOnce(event: HookEvent): Promise<Delivery> {
    using limit = deadline(clock, settings.timeoutMs, abort.signal)
    try {
      const delivery = await deliver(event, limit.signal)
      return delivery.kind === 'failed' && abort.signal.aborted
        ? {...delivery, problem: `was cut short: ${stopping}`}
        : delivery
    } catch (error) {
      // A bug of ours must not end the daemon because of a hook; its message might hold what the
      // address does.
      return failed(
        `cannot be told because of a bug (${error instanceof Error ? error.name : 'error'}): please report it`,
        {isFinal: true},
      )
    }
  }

  return {
    name,
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
