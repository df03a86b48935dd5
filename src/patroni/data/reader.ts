/** Reads a value of the wire, or throws `Mismatch` with where and what. */
export type Reader<T> = (value: unknown, at: string) => T

/** A field that is not what Patroni documents. */
export class Mismatch extends Error {
  constructor(at: string, wanted: string, value: unknown) {
    super(`${at || 'the answer'} is ${kindOf(value)}, not ${wanted}`)
    this.name = 'Mismatch'
  }
}

const kindOf = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : typeof value

export const text: Reader<string> = (value, at) => {
  if (typeof value === 'string') return value
  throw new Mismatch(at, 'a text', value)
}
export const number: Reader<number> = (value, at) => {
  if (typeof value === 'number') return value
  throw new Mismatch(at, 'a number', value)
}
export const flag: Reader<boolean> = (value, at) => {
  if (typeof value === 'boolean') return value
  throw new Mismatch(at, 'true or false', value)
}
export const orNull =
  <T>(reader: Reader<T>): Reader<T | null> =>
  (value, at) =>
    value === null ? null : reader(value, at)

/** A number, or the word `unknown` (Patroni 4.1). */
export const numberOrUnknown: Reader<number | 'unknown'> = (value, at) =>
  value === 'unknown' ? value : number(value, at)

export const object: Reader<Readonly<Record<string, unknown>>> = (value, at) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Mismatch(at, 'an object', value)
}

export const list =
  <T>(reader: Reader<T>): Reader<readonly T[]> =>
  (value, at) => {
    if (!Array.isArray(value)) throw new Mismatch(at, 'a list', value)
    return value.map((one, index) => reader(one, `${at}[${index}]`))
  }

/** Every value of an object by one reader. */
export const mapOf =
  <T>(reader: Reader<T>): Reader<Readonly<Record<string, T>>> =>
  (value, at) =>
    Object.fromEntries(Object.entries(object(value, at)).map(([key, one]) => [key, reader(one, `${at}.${key}`)]))

/**
 * An object with the fields that are checked, and every other field as it came. `T` says which of
 * them are always there: those of `required`.
 */
export const record =
  <T extends object>(required: readonly (keyof T & string)[], readers: {[K in keyof T]?: Reader<T[K]>}): Reader<T> =>
  (value, at) => {
    const found = object(value, at)
    const within = (name: string) => (at === '' ? name : `${at}.${name}`)
    const missing = required.find((name) => !Object.hasOwn(found, name))
    if (missing !== undefined) throw new Mismatch(within(missing), 'there', undefined)
    const checked = Object.entries(readers).flatMap(([name, reader]) =>
      Object.hasOwn(found, name) ? [[name, (reader as Reader<unknown>)(found[name], within(name))]] : [],
    )
    return {...found, ...Object.fromEntries(checked)} as T
  }
