import {OperatorError} from './errors.ts'

/** Milliseconds. `m` is minutes, as in Go and systemd; PostgreSQL's `min` is taken too. */
const units: Readonly<Record<string, number>> = {ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000}

/** A longer timer would fire at once: setTimeout keeps 31 bits. */
const longestMs = 2 ** 31 - 1

/**
 * `500ms`, `1s`, `1m30s` → milliseconds. Throws OperatorError. A bare number is refused: a guessed
 * unit makes an hour of a second.
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim()
  if (/^\d+(\.\d+)?$/.test(trimmed)) {
    if (Number(trimmed) === 0) return 0
    throw new OperatorError('CONFIG_UNIT', 'is a number without a unit', `Write "${trimmed}ms" or "${trimmed}s".`)
  }
  if (!/^(\d+(\.\d+)?(ms|s|min|m|h))+$/.test(trimmed)) {
    throw new OperatorError('CONFIG_UNIT', 'is not a duration', 'Write a number and a unit: "500ms", "1s", "2m".')
  }
  const parts = [...trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|min|m|h)/g)]
  const ms = Math.round(parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ''] ?? 0), 0))
  if (ms > longestMs) throw new OperatorError('CONFIG_UNIT', 'is longer than 24 days', 'Write a shorter duration.')
  return ms
}

/** The shortest exact form that `parseDuration` reads. */
export function formatDuration(ms: number): string {
  if (ms > 0 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms > 0 && ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}
