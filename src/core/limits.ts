import {parseDuration} from './duration.ts'
import {OperatorError} from './errors.ts'
import {type Limits, noLimits} from './offers/eligibility.ts'
import {parseSize} from './size.ts'

/** What to write where `parseLag` says `null`. */
export const lagAdvice = 'Write a number and a unit: "16MB", "5s".'

/**
 * The one reader of a lag, for every door: `16MB`, `16MiB`, `5s`, `1m30s`. `bare`: what a number
 * without a unit is. In flags it is refused; in Patroni's `lag=` it is bytes (Patroni's REST API
 * documentation, "Health check endpoints"). `null`: neither a size nor a duration.
 */
export function parseLag(text: string, bare: 'bytes' | 'refused'): Limits | null {
  const trimmed = text.trim()
  if (bare === 'bytes' && /^\d{1,15}$/.test(trimmed)) return {...noLimits, lagBytes: Number(trimmed)}
  try {
    // No unit of time ends in b, every size does.
    return /b$/i.test(trimmed)
      ? {...noLimits, lagBytes: parseSize(trimmed)}
      : {...noLimits, lagMs: parseDuration(trimmed)}
  } catch (error) {
    if (error instanceof OperatorError) return null
    throw error
  }
}
