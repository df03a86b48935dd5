import {formatDuration} from '../core/duration.ts'
import type {ProbeSettings} from '../core/settings.ts'

/** So many answers in a row: the first estimate of a round trip is much too long. */
const enough = 10
/** The advised max_age is a multiple of this. */
const stepMs = 500

/**
 * Warns where a host is so far away that its answers grow stale before the next one is there. Called
 * with the limit of each answered probe. Warns again only to name a longer max_age.
 */
export function maxAgeWarning(
  {intervalMs, maxAgeMs}: Pick<ProbeSettings, 'intervalMs' | 'maxAgeMs'>,
  warn: (message: string) => void,
): (limitMs: number) => void {
  let inARow = 0
  let advisedMs = maxAgeMs
  return (limitMs) => {
    const leastMs = intervalMs + limitMs
    inARow = leastMs > advisedMs ? inARow + 1 : 0
    if (inARow < enough) return
    inARow = 0
    advisedMs = Math.ceil(leastMs / stepMs) * stepMs
    warn(
      `its round trip is so long that an answer may take ${formatDuration(Math.round(limitMs))}, ` +
        `and probe.max_age is ${formatDuration(maxAgeMs)}: set probe.max_age to ${formatDuration(advisedMs)} or more`,
    )
  }
}
