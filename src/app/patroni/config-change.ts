import {isDeepStrictEqual} from 'node:util'
import {load, YAMLException} from 'js-yaml'
import {OperatorError} from '../../core/errors.ts'

export type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** As Patroni merges a patch: objects within objects, `null` takes a key away. */
export function applied(before: Json, patch: Json): Json {
  const kept = Object.entries(before).filter(([key]) => !(key in patch) || patch[key] !== null)
  const changed = Object.entries(patch).flatMap(([key, value]) => {
    if (value === null) return []
    const old = before[key]
    return [[key, isObject(value) ? applied(isObject(old) ? old : {}, value) : value] as const]
  })
  return {...Object.fromEntries(kept), ...Object.fromEntries(changed)}
}

/** The patch that makes `after` of `before`: `null` takes a key away. */
export function patchBetween(before: Json, after: Json): Json {
  const removed = Object.keys(before).filter((key) => !(key in after))
  const changed = Object.entries(after).flatMap(([key, value]) => {
    const old = before[key]
    if (isDeepStrictEqual(old, value)) return []
    return [[key, isObject(old) && isObject(value) ? patchBetween(old, value) : value] as const]
  })
  return {...Object.fromEntries(removed.map((key) => [key, null])), ...Object.fromEntries(changed)}
}

/** Two patches as one: `null` stays. */
export function merged(one: Json, other: Json): Json {
  const within = Object.entries(other).map(([key, value]) => {
    const old = one[key]
    return [key, isObject(old) && isObject(value) ? merged(old, value) : value] as const
  })
  return {...one, ...Object.fromEntries(within)}
}

/** `postgresql.parameters.max_connections=100`; the value is YAML, `null` takes the key away. */
export function assignment(text: string): Json {
  const [, path, value] = /^([^=\s]+)=(.*)$/s.exec(text) ?? []
  if (path === undefined || value === undefined || path.split('.').includes(''))
    throw new OperatorError('PATRONI_CONFIG', `--set ${JSON.stringify(text)} is no KEY=VALUE`, 'Write --set ttl=30.')
  return path.split('.').reduceRight<unknown>((within, key) => ({[key]: within}), parsed(value, '--set')) as Json
}

/** `what`: how an error names the text. */
export function objectIn(text: string, what: string, next = 'Correct the file.'): Json {
  const value = parsed(text, what, next)
  if (isObject(value)) return value
  throw new OperatorError('PATRONI_CONFIG', `${what} holds no object`, `Write KEY: VALUE lines. ${next}`)
}

function parsed(text: string, what: string, next = 'Correct the value.'): unknown {
  try {
    // An empty value is null, as in a YAML file.
    return text.trim() === '' ? null : load(text)
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    throw new OperatorError('PATRONI_CONFIG', `${what} is no YAML: ${error.reason}`, next, {cause: error})
  }
}
