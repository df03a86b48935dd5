import type {FastifyRequest} from 'fastify'
import {OperatorError} from '../core/errors.ts'
import {lagAdvice, parseLag} from '../core/limits.ts'
import {type Limits, noLimits} from '../core/offers/eligibility.ts'
import {type MeantHost, readMeant} from '../core/offers/server-name.ts'

/**
 * The value of a query parameter; `null`: absent or empty. Throws OperatorError where the parameter
 * is given twice, because the two values might differ.
 */
export function queryOf(request: FastifyRequest, name: string): string | null {
  const value = (request.query as Readonly<Record<string, string | readonly string[]>>)[name]
  if (value === undefined || value === '') return null
  if (typeof value === 'string') return value
  throw new OperatorError('QUERY_TWICE', `${name}= is given more than once`, `Give ${name}= once.`)
}

/** The hosts that the asker means: `host=NAME@ADDRESS:PORT`, as often as needed. Throws OperatorError. */
export function meantHosts(request: FastifyRequest): readonly MeantHost[] {
  const value = (request.query as Readonly<Record<string, string | readonly string[]>>).host ?? []
  return [value].flat().map((text) => {
    const meant = readMeant(text)
    if (meant !== null) return meant
    const next = 'Write host=host1@10.0.0.1:5432, with IPv6 in brackets.'
    throw new OperatorError('USAGE', `host=${text.slice(0, 80)} is not NAME@ADDRESS:PORT`, next)
  })
}

/** `16MB`, `5s`, or as in Patroni a bare number of bytes. Throws OperatorError. */
export function lagLimits(text: string | null, name: string): Limits {
  if (text === null) return noLimits
  const limits = parseLag(text, 'bytes')
  if (limits !== null) return limits
  throw new OperatorError('QUERY_LAG', `${name}=${text.slice(0, 40)} is neither a size nor a duration`, lagAdvice)
}
