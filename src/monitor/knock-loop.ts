import {type HostRecord, knocked} from '../core/facts/host-record.ts'
import type {Failure} from '../core/facts/observation.ts'
import type {Clock, HostDriver, KnockAnswer, Random} from '../core/ports.ts'
import type {ProbeSettings} from '../core/settings.ts'
import {deadline, sleep} from '../core/wait.ts'

/**
 * A failing knock is repeated at this pace, so that a host that thaws is not kept out for a whole
 * knock interval.
 */
const retryMs = 1_000
/** A round trip takes longer where a packet was lost: TCP repeats it after 200 ms at the earliest. */
const steadyMs = 100

export type KnockDeps = Readonly<{
  probe: ProbeSettings
  driver: HostDriver
  clock: Clock
  random: Random
  update: (change: (record: HostRecord) => HostRecord) => void
  /** The server writes a line per knock. */
  isLogged: boolean
  /** The address of the server at the other end of our session; `null`: a unix socket. */
  sessionAddress: string | null
  /** Was an answer of our session slower than usual after `since`? */
  isSlow: (since: number) => boolean
  /** Closes our session, so that a shutdown that waits for it can finish. */
  leave: () => void
  /** The host's name leads to another server now: our session is the old one's. */
  moved: () => void
}>

/**
 * Knocks while a session lives (DESIGN 4.1): with the postmaster stopped, hung or in a smart
 * shutdown an old session still answers, so only a fresh connection tells. Ends with `signal`.
 */
export async function knockLoop(deps: KnockDeps, signal: AbortSignal): Promise<void> {
  const {probe, isLogged, clock, random, update, isSlow, leave, moved} = deps
  const intervalMs = isLogged ? probe.loggedKnockIntervalMs : probe.knockIntervalMs
  await sleep(clock, intervalMs * (0.5 + random() / 2), signal)
  while (!signal.aborted) {
    const begunAt = clock.now()
    const answer = await knock(deps, signal)
    const hasMoved = !signal.aborted && (await isElsewhere(deps, answer, signal))
    if (signal.aborted) return
    if (hasMoved) return moved()
    const against = failureIn(answer)
    // A slow network loses knocks of a healthy host. Where it delayed the session's answers too, the
    // next knock tells.
    const isDoubtful = against?.cause === 'hung' && isSlow(begunAt)
    if (!isDoubtful) update((record) => knocked(record, against))
    if (against?.cause === 'not-accepting') return leave()
    await sleep(clock, against === null ? intervalMs : Math.min(retryMs, intervalMs), signal)
  }
}

/**
 * Silence counts only when a second knock finds it too: the answer is that of the last knock. Where
 * round trips vary, packets get lost: with a fifth of them lost, two knocks of a healthy host failed
 * twice in two minutes (seen). There silence needs four.
 */
async function knock({driver}: KnockDeps, signal: AbortSignal): Promise<KnockAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await driver.knock(signal)
    const isLossy = driver.limitMs(steadyMs, 1) > steadyMs
    if (attempt >= (isLossy ? 4 : 2) || signal.aborted || !isSilence(answer)) return answer
  }
}

export const isSilence = (answer: KnockAnswer): boolean =>
  answer.kind === 'failure' && (answer.cause === 'timeout' || answer.cause === 'closed' || answer.cause === 'hung')

/** What a fresh connection has against the host; `null`: nothing. */
export function failureIn(answer: KnockAnswer): Failure | null {
  if (answer.kind === 'fine') return null
  const {cause, detail} = answer
  if (cause === 'not-accepting' || cause === 'refused') return {cause, detail}
  // A fault on our side (a name, a certificate) says nothing against a host whose session answers.
  if (!isSilence(answer)) return null
  return {
    cause: 'hung',
    detail: 'its postmaster does not answer a new connection, though the open session still answers',
  }
}

/**
 * Has the host's name moved to another server? Our session would stay with the old one (seen: routed
 * to it for ever). A name may have several addresses: it is resolved once a knock reaches another
 * one than the session's, or none. Where the name cannot be resolved, the session stays.
 */
async function isElsewhere(
  {probe, driver, clock, sessionAddress}: KnockDeps,
  {remoteAddress}: KnockAnswer,
  signal: AbortSignal,
): Promise<boolean> {
  if (sessionAddress === null || remoteAddress === sessionAddress) return false
  using limit = deadline(clock, probe.timeoutMs, signal)
  const present = await driver.addresses(limit.signal)
  return present.length > 0 && !present.includes(sessionAddress)
}
