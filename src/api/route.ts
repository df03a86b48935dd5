import type {FastifyReply, FastifyRequest} from 'fastify'
import type {Answer} from './answer.ts'
import type {Context} from './context.ts'

/** Read from the path, the query or a header; always a text. */
export type Parameter = Readonly<{
  name: string
  in: 'path' | 'query' | 'header'
  description: string
  required?: boolean
  values?: readonly string[]
  example?: string
}>

/** One path, with all that the OpenAPI document says of it. GET stands for HEAD and OPTIONS too. */
export type Route = Readonly<{
  method: 'GET' | 'POST'
  /** In fastify's writing: `/v1/node/:host`. */
  path: string
  summary: string
  parameters: readonly Parameter[]
  /** Status → when. */
  answers: Readonly<Record<number, string>>
  /** Media type of an answer that is not a problem. */
  type: string
  /**
   * Throws OperatorError for a question that cannot be understood: 400. `null`: it has answered by
   * itself.
   */
  /**
   * What a GET without a query gets, for what is asked all the time: the framework costs more than
   * the answer. The same as `handle`.
   */
  plain?(context: Context): Answer
  handle(request: FastifyRequest, context: Context, reply: FastifyReply): Answer | null | Promise<Answer>
}>

export const hostParameter: Parameter = {
  name: 'host',
  in: 'path',
  description: 'name of a host of the configuration',
  required: true,
}
export const groupParameter: Parameter = {name: 'group', in: 'query', description: 'only this group'}

export const paramOf = (request: FastifyRequest, name: string): string =>
  (request.params as Readonly<Record<string, string>>)[name] ?? ''
