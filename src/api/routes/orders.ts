import type {FastifyRequest} from 'fastify'
import {parseDuration} from '../../core/duration.ts'
import {OperatorError} from '../../core/errors.ts'
import type {Who} from '../../core/ports.ts'
import {causes} from '../../core/vocabulary.ts'
import {type Answer, json, jsonType, problem} from '../answer.ts'
import {type Allowed, authorise, isTrusted} from '../authorisation.ts'
import type {Context} from '../context.ts'
import type {OrderName} from '../orders/order-record.ts'
import {sourceOf} from '../orders/refusal-delay.ts'
import {hostParameter, paramOf, type Route} from '../route.ts'
import {oneOf, orNull, record, type Schema, text, time, yesOrNo} from '../schema.ts'

type Fields = Readonly<Record<string, unknown>>
/** `isUnrecorded`: the order repeats one that is on record already. */
export type Carry = (
  request: FastifyRequest,
  context: Context,
  who: Who,
  body: Fields,
) => Promise<Readonly<{done: string; isUnrecorded?: boolean}>>

const reason: Schema = orNull({...text, maxLength: 500})
const reasonOnly = record<Readonly<{reason: unknown}>>({reason}, ['reason'])
const wish = record<Readonly<Record<'on' | 'for' | 'reason', unknown>>>(
  {on: yesOrNo, for: orNull({...text, examples: ['2h']}), reason},
  ['for', 'reason'],
)
const hosted = {host: text, done: text}
const maintained = record<Readonly<Record<'maintenance' | 'until' | 'done', unknown>>>({
  maintenance: yesOrNo,
  until: orNull(time),
  done: text,
})

/**
 * What an operator may order with a token, a client certificate, or the control socket (DESIGN 7).
 */
export const orderRoutes: readonly Route[] = [
  orderOnHost('accept', 'Accepts this host as the primary, by decision of the operator.'),
  orderOnHost('drain', 'Drains a host: its role stays, and routers no longer get it.'),
  orderOnHost('resume', 'Puts a drained host back into rotation.'),
  onHost(
    'probe',
    'Probes a host at once, for callbacks of HA tools. The answer comes when that is done, with its role.',
    {...hosted, role: oneOf(['primary', 'standby', 'unavailable']), cause: orNull(oneOf(causes))},
    async (request, {orders}, who) => ({
      host: paramOf(request, 'host'),
      ...(await orders.poke(paramOf(request, 'host'), who)),
    }),
  ),
  order(
    'maintenance',
    {path: '/v1/maintenance', body: maintained, request: {required: true, body: wish}},
    'Turns maintenance on, which freezes every actuator, or off. ' +
      'The body is {"on": true, "for": "2h", "reason": "…"}. Without "for" it lasts until {"on": false}.',
    async (_, {orders, clock}, who, {on, for: length = null}) => {
      if (typeof on !== 'boolean')
        throw new OperatorError('BODY', '"on" is not true or false', 'Send {"on": true} or {"on": false}.')
      const untilMs = length === null ? null : clock.wall() + durationOf(length)
      return {
        maintenance: on,
        until: on && untilMs !== null ? new Date(untilMs).toISOString() : null,
        done: await orders.maintain({isOn: on, untilMs}, who),
      }
    },
  ),
  order(
    'adopt',
    {path: '/v1/instances/adopt', body: record({done: text}), request: {required: false, body: reasonOnly}},
    'Of a set: the configuration of this instance is the one of the set, and its instances take the groups.',
    async (_, {shared}, who) => {
      if (shared === null)
        throw new OperatorError('NOT_SHARED', 'this daemon is in no set', 'Name an instance of a set.')
      return {done: await shared.adopt(who)}
    },
  ),
]

function orderOnHost(verb: 'accept' | 'drain' | 'resume', summary: string): Route {
  const carry: Carry = async (request, {orders}, who) => {
    const host = paramOf(request, 'host')
    return {host, done: await orders[verb](host, who)}
  }
  return onHost(verb, `${summary} The body is {"reason": "…"}, or empty.`, hosted, carry)
}

function onHost(
  verb: Exclude<OrderName, 'maintenance' | 'switchover' | 'adopt' | 'reload'>,
  summary: string,
  fields: Readonly<Record<string, Schema>>,
  carry: Carry,
): Route {
  const request = {required: false, body: reasonOnly}
  const route = order(verb, {path: `/v1/hosts/:host/${verb}`, body: record(fields), request}, summary, carry)
  return {...route, parameters: [hostParameter], answers: {...route.answers, 404: 'no such host'}}
}

export function order(
  name: OrderName,
  about: Pick<Route, 'path' | 'body' | 'request'>,
  summary: string,
  carry: Carry,
): Route {
  return {
    ...about,
    method: 'POST',
    summary,
    parameters: [],
    answers: {
      200: 'what was done',
      400: 'the body is invalid',
      401: 'not authorised',
      403: 'the token was sent without TLS',
      409: 'the order cannot be carried out; the reason',
      415: 'the body is not JSON',
      429: 'this address has sent many orders without authorisation',
      503: 'of a set: no instance could keep the order, and nothing was done',
    },
    type: jsonType,
    handle: (request, context) => obey(name, request, context, carry),
  }
}

async function obey(order: OrderName, request: FastifyRequest, context: Context, carry: Carry): Promise<Answer> {
  const {raw} = request
  const source = isTrusted(raw) ? 'this machine' : sourceOf(raw.socket.remoteAddress)
  const given = {order, host: knownHost(request, context), source}
  const refuse = (refusal: Answer, why: string, by: Allowed | null, reason: string | null = null): Answer => {
    context.orderRecord.add(
      {...given, by: by?.by ?? null, reason, door: by?.door ?? 'none'},
      {isCarriedOut: false, why},
    )
    return refusal
  }
  if (!isTrusted(raw) && !(await context.refusals.turn(source))) return refuse(tooMany, 'too many refused orders', null)
  // While it waited for its turn, the client may have given up.
  if (raw.socket.destroyed) return refuse(expired, 'the client has left', null)
  const allowed = await authorise(raw, context)
  if ('refusal' in allowed) {
    context.refusals.refused(source)
    return refuse(allowed.refusal, allowed.why, null)
  }
  // A browser sends its client certificate with a form of any page. JSON needs a CORS preflight,
  // which this API never allows.
  if (request.headers['content-type'] === undefined && !isTrusted(raw)) return refuse(notJson, 'not JSON', allowed)
  const body = fieldsOf(request.body)
  // On the control socket the command may name the operator, because a process that can open the
  // socket may do anything, and may say until when it waits for an answer.
  const isForwarded = allowed.door === 'certificate' && raw.headers[forwardedHeader] !== undefined
  const spokenFor = isTrusted(raw) || isForwarded ? wordOf(body.by, 'by') : null
  const by = isForwarded && spokenFor !== null ? `${spokenFor} by ${allowed.by}` : (spokenFor ?? allowed.by)
  const before = isTrusted(raw) ? wordOf(body.before, 'before') : null
  const reason = wordOf(body.reason, 'reason')
  const named = {...allowed, by}
  if (isPast(before, context.clock)) return refuse(expired, 'the sender gave up waiting', named, reason)
  try {
    const who = {by, reason, ...(isForwarded && {isForwarded})}
    const {isUnrecorded = false, ...answer} = await carry(request, context, who, body)
    if (!isUnrecorded) context.orderRecord.add({...given, ...named, reason}, {isCarriedOut: true, why: answer.done})
    return json(200, answer)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    const {code, message, next} = error
    const status = code === 'BODY' ? 400 : code === 'UNKNOWN_HOST' ? 404 : code === 'NO_OWNER' ? 503 : 409
    return refuse(problem(status, {code, detail: message, next}), message, named, reason)
  }
}

const tooMany = problem(
  429,
  {
    code: 'TOO_MANY_REFUSALS',
    detail: 'this address has sent many orders without authorisation, and more of its orders wait already',
    next: 'Wait a minute, or give the order through the control socket.',
  },
  {'retry-after': '60'},
)
const late = {
  code: 'TOO_LATE',
  detail: 'order expired: the sender gave up waiting. Not executed.',
  next: 'Find out why the daemon was busy, and send the order again if it is still right.',
} as const
const expired = problem(409, late)

const isPast = (before: string | null, clock: Context['clock']): boolean =>
  before !== null && !(Date.parse(before) >= clock.wall())

/**
 * For an order that waits for its turn. Throws OperatorError where its sender has left, or was told by
 * its own clock that the daemon discards the order.
 */
export function refuseLate(raw: FastifyRequest['raw'], body: Fields, clock: Context['clock']): void {
  const before = isTrusted(raw) ? wordOf(body.before, 'before') : null
  if (raw.socket.destroyed || isPast(before, clock)) throw new OperatorError(late.code, late.detail, late.next)
}

const notJson = problem(415, {
  code: 'NOT_JSON',
  detail: 'the body must be JSON',
  next: 'Send "Content-Type: application/json".',
})

/** Of an order that another instance of the set sends on for an operator. */
export const forwardedHeader = 'x-pgroute66-forwarded'

/** A name that a client made up stays out of the record. */
function knownHost(request: FastifyRequest, {source}: Context): string | null {
  const host = paramOf(request, 'host')
  return Object.hasOwn(source.current().hosts, host) ? host : null
}

function fieldsOf(body: unknown): Fields {
  if (body === undefined || body === null) return {}
  if (typeof body !== 'object' || Array.isArray(body))
    throw new OperatorError('BODY', 'the body is not a JSON object', 'Send {"reason": "…"}.')
  return body as Fields
}

export function wordOf(value: unknown, name: string): string | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' && value.length <= 500) return value
  throw new OperatorError('BODY', `"${name}" is not a text of at most 500 characters`, 'Send {"reason": "…"}.')
}

export function durationOf(value: unknown, name = 'for'): number {
  const shown = `"${name}": ${String(JSON.stringify(value)).slice(0, 40)}`
  const next = 'Send a duration such as "30min" or "2h".'
  if (typeof value !== 'string') throw new OperatorError('BODY', `${shown} is not a text`, next)
  let ms: number
  try {
    ms = parseDuration(value)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    throw new OperatorError('BODY', `${shown} ${error.message}`, next, {cause: error})
  }
  if (ms > 0) return ms
  throw new OperatorError('BODY', `${shown} would end at once`, next)
}
