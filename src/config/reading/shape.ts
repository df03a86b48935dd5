import type {Report} from './report.ts'
import type {Node} from './yaml-node.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * How one part of the file is read, and how an editor is told about it: one description for both.
 *
 * A schema library was rejected, though not for its start-up time: valibot costs about 9 ms of CPU,
 * zod and typebox 80 to 110 ms. A shape goes on after an error, so that the operator sees all
 * problems at once. It decides itself which values may be quoted, knows units and synonyms, and
 * yields the JSON Schema from the same description.
 */
export type Shape<T> = Readonly<{
  /** What leaving the key out means; also what stands in after a refusal. */
  absent: T
  /** Reports what is wrong and returns `absent`; never throws. `node` is never empty. */
  read: (node: Node, path: string, report: Report) => T
  schema: JsonSchema
}>

/** What a shape reads. */
export type Read<S> = S extends Shape<infer T> ? T : never

export const describe = <T>(description: string, shape: Shape<T>): Shape<T> => ({
  ...shape,
  schema: {...shape.schema, description},
})
