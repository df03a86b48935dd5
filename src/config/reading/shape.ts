import type {Report} from './report.ts'
import type {Node} from './yaml-node.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * How one part of the file is read, and how an editor is told about it: one description for both.
 * (A schema library would do the second half as well; the smallest one costs `check` 70 ms to load,
 * and its messages know neither units nor secrets.)
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
