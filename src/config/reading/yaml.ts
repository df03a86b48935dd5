import {OperatorError} from '../../core/errors.ts'
import {isGiven, type Mapping, type Node} from './yaml-node.ts'

/** Aliases can make a giant of a small file, so values and their nesting are limited. */
const limits = {nodes: 200_000, depth: 20, aliases: 10_000}

/**
 * The file's text as nodes. Throws OperatorError. js-yaml's `message` quotes lines of the file, and
 * its `reason` quotes tags and aliases: both would show a password that begins with `!` or `*`. So
 * only the fixed part of the reason and the position are passed on. The error is not passed on as
 * `cause`, because causes get printed.
 */
export async function parseYaml(text: string, source: string): Promise<Mapping> {
  // Loaded here: a DSN needs no YAML, and `check` counts milliseconds.
  const {load, FAILSAFE_SCHEMA, mergeTag, YAMLException} = await import('js-yaml')
  let raw: unknown
  try {
    raw = load(text, {schema: FAILSAFE_SCHEMA.withTags(mergeTag), maxAliases: limits.aliases, maxDepth: limits.depth})
  } catch (error) {
    const reason = error instanceof YAMLException ? fixedPart(error.reason) : 'it cannot be read'
    if (reason.includes('input is empty')) throw empty(source)
    const mark = error instanceof YAMLException ? error.mark : undefined
    const where = mark ? `:${mark.line + 1}:${mark.column + 1}:` : ''
    const next = /tag|alias|anchor/.test(reason)
      ? 'Quote a value that begins with "!", "*" or "&".'
      : 'Fix the file there. Put values with ": ", "#" or commas into quotes.'
    throw new OperatorError('CONFIG_YAML', `${source}${where} is not valid YAML: ${reason}`, next)
  }
  const node = toNode(raw, {left: limits.nodes, source}, 0)
  if (!isGiven(node)) throw empty(source)
  if (!(node instanceof Map)) {
    throw new OperatorError(
      'CONFIG_TYPE',
      `${source} does not hold a mapping of keys`,
      'Begin with "hosts:"; "pgroute66 init" prints an example.',
    )
  }
  return node
}

const fixedPart = (reason: string) => reason.replace(/ ?(?:".*"|!<.*>)/s, '').replace(/: .*$/s, '')

const empty = (source: string) =>
  new OperatorError('CONFIG_EMPTY', `${source} is empty`, 'Fill it: "pgroute66 init" prints an example.')

/**
 * Walks aliases as often as they are used: the count bounds what every later reader has to visit,
 * and ends cycles.
 */
function toNode(raw: unknown, budget: {left: number; source: string}, depth: number): Node {
  budget.left -= 1
  if (budget.left < 0 || depth > limits.depth) {
    throw new OperatorError(
      'CONFIG_TOO_LARGE',
      `the aliases of ${budget.source} expand to more than ${limits.nodes} values, or deeper than ${limits.depth}`,
      'Write the values out instead.',
    )
  }
  if (Array.isArray(raw)) return raw.map((item) => toNode(item, budget, depth + 1))
  if (typeof raw !== 'object' || raw === null) return typeof raw === 'string' ? raw : ''
  return new Map(Object.entries(raw).map(([key, value]) => [key, toNode(value, budget, depth + 1)]))
}
