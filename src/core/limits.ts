import {type Limits, noLimits} from './offers/eligibility.ts'

/**
 * Sizes in steps of 1024, as PostgreSQL counts; durations in milliseconds. The same units as in the
 * configuration.
 */
const bytes: Readonly<Record<string, number>> = {b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3, tb: 1024 ** 4}
const milliseconds: Readonly<Record<string, number>> = {ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000}

/** `16MB`, `5s`, or as in Patroni a bare number of bytes. `null`: neither a size nor a duration. */
export function lagLimit(text: string): Limits | null {
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?)([a-z]{0,3})$/i.exec(text) ?? []
  if (number === undefined) return null
  const scale = unit === '' ? 1 : bytes[unit.toLowerCase()]
  if (scale !== undefined) return {...noLimits, lagBytes: Number(number) * scale}
  const duration = milliseconds[unit]
  return duration === undefined ? null : {...noLimits, lagMs: Number(number) * duration}
}
