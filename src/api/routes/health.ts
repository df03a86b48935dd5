import type {FastifyRequest} from 'fastify'
import {eligibilityOf, type Limits} from '../../core/offers/eligibility.ts'
import type {HostState, Snapshot} from '../../core/snapshot.ts'
import {type Predicate, predicates} from '../../core/vocabulary.ts'
import {hostToWire} from '../../protocol/snapshot-json.ts'
import {type Answer, json, jsonType, problem} from '../answer.ts'
import {type Context, momentOf} from '../context.ts'
import {lagLimits, queryOf} from '../query.ts'
import {hostParameter, type Parameter, paramOf, type Route} from '../route.ts'
import {named} from '../schema.ts'
import {notFound} from './snapshot.ts'

export const limitParameters: readonly Parameter[] = [
  {
    name: 'lag',
    in: 'query',
    description: 'the largest lag of a standby: a size, a duration, or a number of bytes',
    example: '16MB',
  },
  {
    name: 'replication_state',
    in: 'query',
    description: 'the state that pg_stat_replication must show for the standby',
    example: 'streaming',
  },
]
export const predicateParameter: Parameter = {
  name: 'predicate',
  in: 'path',
  description: 'the health check, by its name in Patroni',
  required: true,
  values: predicates,
}
export const healthAnswers = {
  200: 'the host passes the check; its state',
  400: 'a limit that cannot be parsed',
  404: 'no such host or health check',
  503: 'the host fails the check; its state',
}

/**
 * Patroni's health checks (its documentation, "Patroni REST API", health check endpoints) for every
 * configured host.
 */
export const healthRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/hosts/:host/:predicate',
    summary: 'One health check of a host.',
    parameters: [hostParameter, predicateParameter, ...limitParameters],
    answers: {...healthAnswers, 405: 'the word is an order, which takes POST'},
    type: jsonType,
    body: named('Host'),
    bodies: {503: named('Host')},
    handle(request, context) {
      const predicate = predicateOf(request)
      if (predicate === null) return isOrder(paramOf(request, 'predicate')) ? anOrder : unknownPredicate
      const limits = limitsOf(request)
      const snapshot = context.source.current()
      const name = paramOf(request, 'host')
      const host = Object.hasOwn(snapshot.hosts, name) ? snapshot.hosts[name] : undefined
      return host
        ? judge({predicate, snapshot, host, limits}, context)
        : notFound('host', name, Object.keys(snapshot.hosts))
    },
  },
]

type Question = Readonly<{predicate: Predicate; snapshot: Snapshot; host: HostState; limits: Limits}>

function judge({predicate, snapshot, host, limits}: Question, context: Context): Answer {
  const {ok} = eligibilityOf(predicate, snapshot, host, limits)
  return json(ok ? 200 : 503, hostToWire(host, momentOf(context)))
}

export function predicateOf(request: FastifyRequest): Predicate | null {
  const asked = paramOf(request, 'predicate')
  return predicates.find((known) => known === asked) ?? null
}

export const limitsOf = (request: FastifyRequest): Limits => ({
  ...lagLimits(queryOf(request, 'lag'), 'lag'),
  replicationState: queryOf(request, 'replication_state'),
})

/** Orders share their path with the health checks, and are POST only (orders.ts). */
const isOrder = (word: string): boolean => word === 'accept' || word === 'drain' || word === 'resume'
const anOrder = problem(
  405,
  {code: 'METHOD_NOT_ALLOWED', detail: 'this path is an order, not a health check', next: 'Use POST.'},
  {allow: 'POST'},
)
export const unknownPredicate = problem(404, {
  code: 'UNKNOWN_PREDICATE',
  detail: 'this health check does not exist',
  next: `Health checks: ${predicates.join(', ')}.`,
})
