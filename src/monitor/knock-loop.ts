import type {HostRecord} from '../core/facts/host-record.ts'
import type {Failure} from '../core/facts/observation.ts'
import type {Clock, HostDriver, Random} from '../core/ports.ts'
import type {ProbeSettings} from '../core/settings.ts'
import {deadline, sleep} from '../core/wait.ts'

/**
 * A failing knock is repeated at this pace, so that a host that thaws is not kept out for a whole
 * knock interval.
 */
const retryMs = 1_000

export type KnockDeps = Readonly<{
  probe: ProbeSettings
  driver: HostDriver
  clock: Clock
  random: Random
  update: (change: (record: HostRecord) => HostRecord) => void
  /** Closes our session, so that a shutdown that waits for it can finish. */
  leave: () => void
}>

/**
 * Knocks while a session lives (DESIGN 4.1): with the postmaster stopped, hung or in a smart
 * shutdown an old session still answers, so only a fresh connection tells. Ends with `signal`.
 */
export async function knockLoop(
  {probe, driver, clock, random, update, leave}: KnockDeps,
  signal: AbortSignal,
): Promise<void> {
  await sleep(clock, probe.knockIntervalMs * (0.5 + random() / 2), signal)
  while (!signal.aborted) {
    const against = await knock({probe, driver, clock}, signal)
    if (signal.aborted) return
    update((record) => (record.knock === against ? record : {...record, knock: against}))
    if (against?.cause === 'not-accepting') return leave()
    await sleep(clock, against === null ? probe.knockIntervalMs : Math.min(retryMs, probe.knockIntervalMs), signal)
  }
}

/**
 * What a fresh connection has against the host; `null`: nothing. Silence counts only when a second
 * knock finds it too.
 */
async function knock(
  {probe, driver, clock}: Pick<KnockDeps, 'probe' | 'driver' | 'clock'>,
  signal: AbortSignal,
): Promise<Failure | null> {
  for (let attempt = 1; ; attempt += 1) {
    using limit = deadline(clock, probe.timeoutMs, signal)
    const answer = await driver.knock(limit.signal)
    if (answer.kind === 'fine') return null
    if (answer.cause === 'not-accepting' || answer.cause === 'refused')
      return {cause: answer.cause, detail: answer.detail}
    // A fault on our side (a name, a certificate) says nothing against a host whose session
    // answers.
    if (answer.cause !== 'timeout' && answer.cause !== 'closed' && answer.cause !== 'hung') return null
    if (attempt === 2)
      return {
        cause: 'hung',
        detail: 'its postmaster does not answer a new connection, though the open session still answers',
      }
  }
}
