import {OperatorError} from '../../core/errors.ts'
import type {HostState} from '../../core/snapshot.ts'
import {json, jsonType} from '../answer.ts'
import type {Context} from '../context.ts'
import {queryOf} from '../query.ts'
import {hostParameter, paramOf, type Route} from '../route.ts'
import {constant, listOf, oneOf, text} from '../schema.ts'

/** The state of one host, with the words and numbers of the original. */
export const nodeRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/node/:host',
    summary: 'The role of a host.',
    parameters: [hostParameter],
    answers: {200: '["primary"] or ["standby"]', 404: '[]: no such host', 503: '["unavailable"]'},
    type: jsonType,
    body: {...listOf(oneOf(['primary', 'standby'])), minItems: 1, maxItems: 1},
    bodies: {404: {...listOf(text), maxItems: 0}, 503: {...listOf(oneOf(['unavailable'])), minItems: 1, maxItems: 1}},
    handle(request, context) {
      const host = findHost(paramOf(request, 'host'), context)
      return host ? json(host.role === 'unavailable' ? 503 : 200, [host.role]) : json(404, [])
    },
  },
  {
    method: 'GET',
    path: '/v1/:host/status',
    summary: 'The role of a host.',
    parameters: [hostParameter],
    answers: {200: '"primary" or "standby"', 404: '"invalid": no such host', 422: '"unavailable"'},
    type: jsonType,
    body: oneOf(['primary', 'standby']),
    bodies: {404: constant('invalid'), 422: constant('unavailable')},
    handle(request, context) {
      const host = findHost(paramOf(request, 'host'), context)
      return host ? json(host.role === 'unavailable' ? 422 : 200, host.role) : json(404, 'invalid')
    },
  },
  {
    method: 'GET',
    path: '/v1/:host/availability',
    summary: 'Whether the newest heartbeat on the host is recent enough.',
    parameters: [
      hostParameter,
      {
        name: 'limit',
        in: 'query',
        description: 'seconds; default: availability.limit of the configuration',
        example: '10',
      },
    ],
    answers: {
      200: '"ok"',
      404: '"invalid": no such host',
      408: '"exceeded (…)"',
      417: 'the reason why the age is unknown: no table, not configured, or unavailable',
    },
    type: jsonType,
    body: constant('ok'),
    bodies: {404: constant('invalid'), 408: {...text, pattern: '^exceeded '}, 417: text},
    handle(request, context) {
      const limitMs = limitOf(queryOf(request, 'limit')) ?? context.config.availability?.limitMs ?? 10_000
      const host = findHost(paramOf(request, 'host'), context)
      if (!host) return json(404, 'invalid')
      const {availability} = host
      if (availability === null)
        return json(417, host.role === 'unavailable' ? 'unavailable' : 'availability is not configured')
      if (availability.kind === 'unknown') return json(417, availability.why)
      // The row has aged since the daemon read it. If the daemon no longer reads it, that must show.
      const ageMs = availability.delayMs + Math.max(0, context.clock.now() - availability.askedAt)
      return ageMs <= limitMs ? json(200, 'ok') : json(408, `exceeded (${inSeconds(ageMs)} > ${inSeconds(limitMs)})`)
    },
  },
]

/** `hasOwn`, because the name comes from the client and every object has a "constructor". */
function findHost(name: string, {source}: Context): HostState | null {
  const {hosts} = source.current()
  return Object.hasOwn(hosts, name) ? (hosts[name] ?? null) : null
}

const inSeconds = (ms: number) => `${Math.round(ms) / 1000}s`

function limitOf(text: string | null): number | null {
  if (text === null) return null
  if (/^\d{1,9}(\.\d{1,3})?$/.test(text)) return Number(text) * 1000
  throw new OperatorError(
    'QUERY_LIMIT',
    `limit=${text.slice(0, 40)} is not a number of seconds`,
    'Write seconds without a unit: "limit=10".',
  )
}
