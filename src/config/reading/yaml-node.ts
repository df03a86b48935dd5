/**
 * What YAML's failsafe schema leaves: texts, lists and mappings. Nothing is a number or a boolean
 * until a key says so, hence `password: 00123` stays what was written. Mappings are Maps: a key
 * called `__proto__` is a key like any other.
 */
export type Node = string | readonly Node[] | Mapping
export type Mapping = ReadonlyMap<string, Node>

export const isText = (node: Node): node is string => typeof node === 'string'
export const isList = (node: Node): node is readonly Node[] => Array.isArray(node)
export const isMapping = (node: Node): node is Mapping => node instanceof Map

/**
 * With `key:` and nothing after it, failsafe YAML gives the empty text: the same as leaving the key
 * out.
 */
export const isGiven = (node: Node | undefined): node is Node => node !== undefined && node !== ''

export const kindOf = (node: Node): string => (isText(node) ? 'a single value' : isList(node) ? 'a list' : 'a mapping')
