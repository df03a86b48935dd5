/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type Schema = Readonly<{readonly [keyword: string]: unknown}>

export const text: Schema = {type: 'string'}
export const count: Schema = {type: 'integer', minimum: 0}
export const yesOrNo: Schema = {type: 'boolean'}
export const milliseconds: Schema = {type: 'number', minimum: 0}
export const time: Schema = {type: 'string', format: 'date-time'}

export const oneOf = (words: readonly string[]): Schema => ({type: 'string', enum: words})
export const constant = (value: string | number | boolean): Schema => ({const: value})
export const listOf = (items: Schema): Schema => ({type: 'array', items})
/** An object with any names: hosts by name. */
export const byName = (value: Schema): Schema => ({type: 'object', additionalProperties: value})
export const either = (...schemas: readonly Schema[]): Schema => ({anyOf: schemas})

/** Unknown is `null`, and the field is never left out. */
export function orNull(schema: Schema): Schema {
  const {type, enum: words, ...rest} = schema
  if (typeof type !== 'string') return either(schema, {type: 'null'})
  return {type: [type, 'null'], ...(Array.isArray(words) && {enum: [...words, null]}), ...rest}
}

/**
 * The schema of a `T`: a field that `T` gets and the schema does not have does not compile. Every
 * field is required but those of `optional`. A reader must expect fields that a later version adds.
 */
export function record<T extends object>(
  properties: Readonly<{[Key in keyof Required<T>]: Schema}>,
  optional: readonly (keyof T)[] = [],
): Schema {
  const required = Object.keys(properties).filter((key) => !optional.some((name) => name === key))
  return {type: 'object', ...(required.length > 0 && {required}), properties}
}

/** A schema of `components` in the OpenAPI document (components.ts). */
export const named = (name: string): Schema => ({$ref: `#/components/schemas/${name}`})
