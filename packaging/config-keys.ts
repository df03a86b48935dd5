import {configSchema} from '../src/config/printing/json-schema.ts'

type Schema = Readonly<Record<string, unknown>>

/** A key of the configuration: `hosts.NAME.port`, `hooks[].run`. */
export type ConfigKey = Readonly<{path: string; value: string; byDefault: string; meaning: string}>

/** Every key, in the order of the schema. A key that stands in a group and at the top is told once. */
export function configKeys(): readonly ConfigKey[] {
  const top = propertiesOf(configSchema)
  return Object.entries(top).flatMap(([key, schema]) => [
    rowOf(key, schema),
    ...(key === 'host_groups' ? [] : below(key, schema, key === 'groups' ? Object.keys(top) : [])),
  ])
}

/** The keys below a key. `known`: keys that are told elsewhere. */
function below(path: string, schema: Schema, known: readonly string[]): readonly ConfigKey[] {
  const properties = Object.entries(propertiesOf(schema)).filter(([key]) => !known.includes(key))
  const {
    additionalProperties: named,
    items,
    anyOf = [],
  } = schema as {
    additionalProperties?: unknown
    items?: unknown
    anyOf?: readonly Schema[]
  }
  return [
    ...properties.flatMap(([key, each]) => [rowOf(`${path}.${key}`, each), ...below(`${path}.${key}`, each, [])]),
    ...(isSchema(named) ? below(`${path}.NAME`, named, known) : []),
    ...(isSchema(items) ? below(`${path}[]`, items, known) : []),
    ...anyOf.flatMap((each) => below(path, each, known)),
  ]
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null
const propertiesOf = ({properties}: Schema) => (isSchema(properties) ? (properties as Record<string, Schema>) : {})

function rowOf(path: string, schema: Schema): ConfigKey {
  const {description = '', default: byDefault, deprecated} = schema
  const meaning = `${String(description)}${deprecated === true ? '; remove it' : ''}`
  return {path, value: formOf(schema), byDefault: byDefault === undefined ? '' : String(byDefault), meaning}
}

function formOf(schema: Schema): string {
  const {enum: words, anyOf, type, minimum, maximum, pattern, items, additionalProperties: named} = schema
  if (Array.isArray(anyOf)) return [...new Set((anyOf as Schema[]).map(formOf))].join(', or ')
  if (Array.isArray(words)) return words.join(', ')
  if (typeof pattern === 'string' && pattern.includes('ms|s|')) return 'duration'
  if (type === 'integer') return `number, ${minimum} to ${maximum}`
  if (type === 'boolean') return 'true, false'
  if (type === 'array') return isSchema(items) ? `list: ${formOf(items)}` : 'list'
  if (type === 'object') return isSchema(named) ? `names: ${formOf(named)}` : 'mapping'
  return 'text'
}
