import type {FastifyReply, FastifyRequest} from 'fastify'
import type {Answer} from './answer.ts'
import type {Context} from './context.ts'
import type {Schema} from './schema.ts'

/** A parameter in the path, the query or a header; its value is always text. */
export type Parameter = Readonly<{
  name: string
  in: 'path' | 'query' | 'header'
  description: string
  required?: boolean
  values?: readonly string[]
  /** A query parameter that may be given more than once. */
  isRepeated?: boolean
  example?: string
}>

/** One path, and what the OpenAPI document says about it. A GET route answers HEAD and OPTIONS too. */
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
  /** What an answer of a status below 400 holds. */
  body: Schema
  /** Other statuses that have a body of their own, of `type`. Every other one from 400 on is a problem. */
  bodies?: Readonly<Record<number, Schema>>
  /** Statuses of `bodies` that may be a problem instead. */
  problems?: readonly number[]
  /** What a POST takes. */
  request?: Readonly<{body: Schema; required: boolean}>
  /**
   * The answer to a GET without a query, for paths that clients poll all the time: fastify costs
   * more than the answer itself. Must equal what `handle` answers.
   */
  plain?(context: Context): Answer
  /**
   * Throws OperatorError for a request that cannot be understood (status 400). Returns `null` where
   * it has written the response itself.
   */
  handle(request: FastifyRequest, context: Context, reply: FastifyReply): Answer | null | Promise<Answer>
}>

export const hostParameter: Parameter = {
  name: 'host',
  in: 'path',
  description: 'name of a configured host',
  required: true,
}
export const meantParameter: Parameter = {
  name: 'host',
  in: 'query',
  description: 'a host that is meant, by one of its addresses; may be repeated. 421 where it is not watched here',
  isRepeated: true,
  example: 'host1@10.0.0.1:5432',
}
export const groupParameter: Parameter = {name: 'group', in: 'query', description: 'only this group'}

export const paramOf = (request: FastifyRequest, name: string): string =>
  (request.params as Readonly<Record<string, string>>)[name] ?? ''
