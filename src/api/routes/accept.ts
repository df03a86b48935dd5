import type {FastifyRequest} from 'fastify'
import {OperatorError} from '../../core/errors.ts'
import {json, jsonType, problem} from '../answer.ts'
import {authorise, isTrusted} from '../authorisation.ts'
import {hostParameter, paramOf, type Route} from '../route.ts'

export const acceptRoute: Route = {
  method: 'POST',
  path: '/v1/hosts/:host/accept',
  summary: 'The operator\'s word: this host is the primary. The body is {"reason": "…"}, or empty.',
  parameters: [hostParameter],
  answers: {
    200: 'what was done',
    400: 'a body that cannot be understood',
    401: 'by nobody who may',
    404: 'no such host',
    409: 'it cannot be accepted, and why',
    415: 'not JSON',
  },
  type: jsonType,
  async handle(request, context) {
    const who = await authorise(request.raw, context)
    if ('status' in who) return who
    // A browser sends a certificate along with a form of any page; JSON it does not send without asking us first.
    if (request.headers['content-type'] === undefined && !isTrusted(request.raw)) {
      return problem(415, {code: 'NOT_JSON', detail: 'the body must be JSON', next: 'Send "Content-Type: application/json".'})
    }
    const {reason, by} = wordsOf(request)
    const host = paramOf(request, 'host')
    try {
      // On the control socket, the command may say for whom it speaks: whoever opens it may do anything anyhow.
      const done = await context.acceptance.accept(host, {by: (isTrusted(request.raw) ? by : null) ?? who.by, reason})
      return json(200, {host, done})
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      return problem(error.code === 'UNKNOWN_HOST' ? 404 : 409, {code: error.code, detail: error.message, next: error.next})
    }
  },
}

function wordsOf({body}: FastifyRequest): Readonly<{reason: string | null; by: string | null}> {
  if (body === undefined || body === null) return {reason: null, by: null}
  if (typeof body !== 'object' || Array.isArray(body)) throw new OperatorError('BODY', 'the body is not an object', 'Send {"reason": "…"}.')
  const {reason = null, by = null} = body as Readonly<Record<string, unknown>>
  return {reason: wordOf(reason, 'reason'), by: wordOf(by, 'by')}
}

function wordOf(value: unknown, name: string): string | null {
  if (value === null || (typeof value === 'string' && value.length <= 500)) return value
  throw new OperatorError('BODY', `${name} is not a text of at most 500 characters`, 'Send {"reason": "…"}.')
}
