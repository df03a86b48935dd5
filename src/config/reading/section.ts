import {nearest} from '../../core/words/nearest.ts'
import type {Report} from './report.ts'
import type {Read, Shape} from './shape.ts'
import {isGiven, isList, isMapping, kindOf, type Mapping, type Node} from './yaml-node.ts'

// biome-ignore lint/suspicious/noExplicitAny: each field's own type is recovered by Read.
export type Fields = Readonly<Record<string, Shape<any>>>
/** What is read for some keys. */
export type Keys<F extends Fields> = {readonly [K in keyof F]: Read<F[K]>}

/** Words that are not keys here, though operators have a reason to write them. */
export type Foreign = Readonly<{
  /** Another program's name → the key here. */
  synonyms?: Readonly<Record<string, string>>
  /** Keys that a later version will know. */
  later?: readonly string[]
  /** Keys that hold anchors for other keys, and mean nothing themselves. */
  ignored?: RegExp
}>

/**
 * A mapping with known keys. Every unknown key is refused, with the nearest known one: a typing
 * error must not turn a safety off.
 */
export function section<F extends Fields>(fields: F, foreign: Foreign = {}): Shape<Keys<F>> {
  const entries = Object.entries(fields)
  const absent = Object.fromEntries(entries.map(([key, shape]) => [key, shape.absent])) as Keys<F>
  return {
    absent,
    schema: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(entries.map(([key, shape]) => [key, shape.schema])),
      ...(foreign.ignored && {patternProperties: {[foreign.ignored.source]: {}}}),
    },
    read(node, path, report) {
      if (!isMapping(node)) {
        report.refuse(
          path,
          'CONFIG_TYPE',
          `is ${kindOf(node)}, not a mapping`,
          `Write keys below it, for example "${Object.keys(fields)[0]}: …".`,
        )
        return absent
      }
      refuseUnknown(node, fields, foreign, path, report)
      const values = entries.map(([key, shape]) => {
        const value = node.get(key)
        return [key, isGiven(value) ? shape.read(value, below(path, key), report) : shape.absent]
      })
      return Object.fromEntries(values) as Keys<F>
    },
  }
}

export const below = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

function refuseUnknown(
  node: Mapping,
  fields: Fields,
  {synonyms = {}, later = [], ignored}: Foreign,
  path: string,
  report: Report,
): void {
  for (const [key, value] of node) {
    if (Object.hasOwn(fields, key) || ignored?.test(key)) continue
    const near = (Object.hasOwn(synonyms, key) ? synonyms[key] : null) ?? nearest(key, Object.keys(fields))
    if (isGiven(value) && later.includes(key)) {
      report.refuse(
        below(path, key),
        'CONFIG_NOT_SUPPORTED',
        'is not supported by this version',
        'Remove it, or use a version that supports it.',
      )
    } else if (isGiven(value) && (near !== null || /^[A-Za-z_-]{1,40}$/.test(key))) {
      const next = near
        ? `Did you mean "${near}"?`
        : `Remove it; known here: ${Object.keys(fields).slice(0, 12).join(', ')} …`
      report.refuse(below(path, key), 'CONFIG_UNKNOWN_KEY', 'is not a known key', next)
    } else {
      // In `{password: abc,def}` YAML takes "def" for a key. It is half of a password, so it must
      // not be shown.
      const next = 'Put a password with a comma into quotes, or remove the key.'
      report.refuse(
        path || 'the file',
        'CONFIG_UNKNOWN_KEY',
        'has an unknown key (not shown, because it may be part of a password)',
        next,
      )
    }
  }
}

/** A list of texts or the like. */
export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return {
    absent: [],
    schema: {type: 'array', items: item.schema},
    read(node, path, report) {
      if (!isList(node)) {
        report.refuse(path, 'CONFIG_TYPE', `is ${kindOf(node)}, not a list`, 'Write a list: [a, b].')
        return []
      }
      return node.flatMap((each, index) => (isGiven(each) ? [item.read(each, `${path}[${index}]`, report)] : []))
    },
  }
}

/**
 * A mapping from names that the operator chooses. `accepts` returns false for a name that cannot be
 * used, and reports it. `names`: the same for editors, as a JSON Schema; default: any.
 */
export function named<T>(
  item: Shape<T>,
  accepts: (name: string, node: Node, path: string, report: Report) => boolean,
  names: Shape<T>['schema'] | null = null,
): Shape<ReadonlyMap<string, T>> {
  return {
    absent: new Map(),
    schema: {type: 'object', ...(names && {propertyNames: names}), additionalProperties: item.schema},
    read(node, path, report) {
      if (!isMapping(node)) {
        report.refuse(path, 'CONFIG_TYPE', `is ${kindOf(node)}, not a mapping`, 'Write a name per entry: "name: …".')
        return new Map()
      }
      const read = [...node].flatMap(([name, value]): [string, T][] => {
        if (!accepts(name, value, path, report)) return []
        return [[name, isGiven(value) ? item.read(value, below(path, name), report) : item.absent]]
      })
      return new Map(read)
    },
  }
}
