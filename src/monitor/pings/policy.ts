/** Where the questions of one session stand. All times are monotonic. */
export type PingState = Readonly<{
  /** When the first question was sent that is still unanswered, ping or probe; `null`: there is none. */
  unansweredSince: number | null
  /** When the last question was sent. */
  askedAt: number
  /** The alarm that is on; `null`: there is none. `isHeard`: a new connection was answered. */
  alarm: Readonly<{at: number; isHeard: boolean}> | null
}>

/** `graceMs`: what an alarm waits for an answer. */
export type PingLimits = Readonly<{intervalMs: number; timeoutMs: number; graceMs: number}>

/**
 * `alarm`: a probe and two knocks are due. `lost`: neither the session nor a new connection answers.
 * `wait`: nothing is due before `until` (monotonic).
 */
export type PingStep = Readonly<{kind: 'ping' | 'alarm' | 'lost'} | {kind: 'wait'; until: number}>

/**
 * What is due of the pings of a session as of `now` (DESIGN 5, Pings). A ping goes between two
 * probes, and never beside one. A session that is silent beside a server that answers new connections
 * is left to the limit of the probe.
 */
export function planPing(state: PingState, {intervalMs, timeoutMs, graceMs}: PingLimits, now: number): PingStep {
  const {unansweredSince, askedAt, alarm} = state
  if (unansweredSince === null) {
    const dueAt = askedAt + intervalMs
    return now >= dueAt ? {kind: 'ping'} : {kind: 'wait', until: dueAt}
  }
  if (alarm === null) {
    const dueAt = unansweredSince + timeoutMs
    return now >= dueAt ? {kind: 'alarm'} : {kind: 'wait', until: dueAt}
  }
  if (alarm.isHeard) return {kind: 'wait', until: now + timeoutMs}
  const dueAt = alarm.at + graceMs
  return now >= dueAt ? {kind: 'lost'} : {kind: 'wait', until: dueAt}
}
