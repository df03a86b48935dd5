import {formatDuration, parseDuration} from '../../core/duration.ts'
import {OperatorError} from '../../core/errors.ts'
import {nearest} from '../../core/words/nearest.ts'
import type {JsonSchema, Shape} from './shape.ts'
import {isText, kindOf} from './yaml-node.ts'

/**
 * One text, made into a value by `parse`, which throws OperatorError with a message that continues
 * the path. `quotes`: the message begins with the value, where it has a harmless form.
 */
export function scalar<T>(absent: T, schema: JsonSchema, parse: (text: string) => T, quotes = false): Shape<T> {
  return {
    absent,
    schema,
    read(node, path, report) {
      if (!isText(node)) {
        report.refuse(
          path,
          'CONFIG_TYPE',
          `is ${kindOf(node)}, not a single value`,
          'Write one value; quote it when it holds ", " or ": ".',
        )
        return absent
      }
      try {
        return parse(node)
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error
        report.refuse(path, error.code, `${quotes ? report.quote(node) : ''}${error.message}`, error.next)
        return absent
      }
    },
  }
}

const unsuitable = (message: string, next: string) => new OperatorError('CONFIG_VALUE', message, next)

export const text = <T extends string | null>(absent: T): Shape<string | T> =>
  scalar<string | T>(absent, {type: ['string', 'number', 'boolean'], ...(absent ? {default: absent} : {})}, (value) => {
    // C strings on the other side, and one line each in every log.
    if (/\p{Cc}/u.test(value)) throw unsuitable('contains a control character or a line break', 'Write it on one line.')
    return value
  })

/** A text that may run over several lines, as base64 does. */
export const block = (): Shape<string | null> =>
  scalar<string | null>(null, {type: ['string', 'number']}, (value) => value)

export const integer = <T extends number | null>(absent: T, least: number, most: number): Shape<number | T> =>
  scalar<number | T>(
    absent,
    {type: 'integer', minimum: least, maximum: most, ...(absent === null ? {} : {default: absent})},
    (value) => {
      if (/^\d{1,15}$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value)
      throw unsuitable(`is not a whole number from ${least} to ${most}`, `Write one from ${least} to ${most}.`)
    },
    true,
  )

/** Takes the words of YAML 1.1 too (yes, no, on, off), whatever a YAML parser makes of them. */
export const flag = <T extends boolean | null>(absent: T): Shape<boolean | T> =>
  scalar<boolean | T>(
    absent,
    {type: 'boolean', ...(absent === null ? {} : {default: absent})},
    (value) => {
      if (/^(true|yes|on)$/i.test(value)) return true
      if (/^(false|no|off)$/i.test(value)) return false
      throw unsuitable('is neither true nor false', 'Write true or false.')
    },
    true,
  )

/** Milliseconds. */
export const duration = <T extends number | null>(absent: T, leastMs = 1): Shape<number | T> =>
  scalar<number | T>(
    absent,
    {
      // YAML reads a bare 0 as a number.
      type: leastMs === 0 ? ['string', 'integer'] : 'string',
      pattern: leastMs === 0 ? '^(0|([0-9.]+(ms|s|min|m|h))+)$' : '^([0-9.]+(ms|s|min|m|h))+$',
      ...(absent === null ? {} : {default: formatDuration(absent)}),
    },
    (value) => {
      const ms = parseDuration(value)
      if (ms < leastMs)
        throw unsuitable(`is shorter than ${formatDuration(leastMs)}`, `Write ${formatDuration(leastMs)} or more.`)
      return ms
    },
    true,
  )

/** One word of several. `synonyms` are read but not advertised. */
export function choice<const W extends string, T extends W | null>(
  absent: T,
  words: readonly W[],
  synonyms: Readonly<Record<string, W>> = {},
): Shape<W | T> {
  const parse = (value: string): W => {
    const lower = value.toLowerCase()
    const word =
      words.find((known) => known.toLowerCase() === lower) ??
      (Object.hasOwn(synonyms, lower) ? synonyms[lower] : undefined)
    if (word !== undefined) return word
    const near = nearest(value, words)
    throw unsuitable(
      `is not one of ${words.join(', ')}`,
      near ? `Did you mean "${near}"?` : `Write ${words.join(' or ')}.`,
    )
  }
  return scalar<W | T>(absent, {enum: words, ...(absent === null ? {} : {default: absent})}, parse, true)
}
