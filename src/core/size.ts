import {OperatorError} from './errors.ts'

const steps = ['B', 'kB', 'MB', 'GB', 'TB']

/**
 * `16MB` → bytes, in steps of 1024 as PostgreSQL counts (documentation, 20.1.1 "Parameter Names and
 * Values"). Throws OperatorError.
 */
export function parseSize(text: string): number {
  const trimmed = text.trim()
  if (/^\d+$/.test(trimmed)) {
    if (Number(trimmed) === 0) return 0
    throw new OperatorError(
      'CONFIG_UNIT',
      'is a number without a unit',
      `Write "${trimmed}B", "${trimmed}kB" or "${trimmed}MB".`,
    )
  }
  const match = /^(\d+(?:\.\d+)?) ?([kmgt]?)i?b$/i.exec(trimmed)
  const step = match ? steps.findIndex((name) => name.toLowerCase() === `${match[2]}b`.toLowerCase()) : -1
  const bytes = match ? Math.round(Number(match[1]) * 1024 ** step) : Number.NaN
  if (step < 0 || !Number.isSafeInteger(bytes)) {
    throw new OperatorError('CONFIG_UNIT', 'is not a size', 'Write a number and a unit: "64kB", "16MB", "1GB".')
  }
  return bytes
}
