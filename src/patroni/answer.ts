/** What a member answered, whatever the status code. */
export type Answer<T> = Readonly<{
  status: number
  /** Names in lower case. Empty on HEAD, OPTIONS, /liveness and /readiness: Patroni sends none there. */
  headers: Readonly<Record<string, string>>
  /** The body as it came. */
  raw: string
  /** `null`: the status code is no 2xx, and the body is something else (Patroni's HTML, a proxy's page). */
  data: T | null
  /** The URL of the member that answered. */
  member: string
}>

/**
 * `done`: 200. `scheduled`: 202. `refused`: nothing was done, `text` says why. `failed`: Patroni tried.
 * `unknown`: Patroni itself does not know (`Switchover status unknown`).
 */
export type Outcome = 'done' | 'scheduled' | 'refused' | 'failed' | 'unknown'

/** What became of an order. `text`: Patroni's own words. */
export type OrderAnswer = Answer<unknown> & Readonly<{outcome: Outcome; text: string}>

/** The seconds that a member's view of the DCS is old, or `null` where the answer does not tell. */
export function dcsAgeSeconds({headers, data}: Answer<Readonly<{dcs_last_seen?: number}>>): number | null {
  const date = Date.parse(headers.date ?? '')
  const seen = data?.dcs_last_seen
  // Both by the member's own clock, so that its error does not count. Both are whole seconds.
  return seen === undefined || Number.isNaN(date) ? null : Math.max(0, date / 1_000 - seen)
}

/**
 * How Patroni answers orders (its api.py and ha.py): by status code, and one sentence of the body. A
 * restart that threw is told as 400, one that failed as 503, both by the same words. 502 follows a
 * configuration that the DCS did not confirm.
 */
export function outcomeOf(status: number, text: string): Outcome {
  if (status === 202) return 'scheduled'
  if (status >= 200 && status < 300) return 'done'
  if (status === 502 || /status unknown|still starting|^failed to (write|delete)/i.test(text)) return 'unknown'
  return /^(failover|switchover|restart) failed/i.test(text) ? 'failed' : 'refused'
}

/** Patroni's sentence, or the message within the HTML that Python's server sends. */
export function textOf(body: string): string {
  const message = /<p>Message: (.*?)\.?<\/p>/.exec(body)?.[1]
  return (message ?? body).trim().slice(0, 1_000)
}
