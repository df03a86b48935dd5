import type {FastifyRequest} from 'fastify'
import {eligibilityOf, type Limits} from '../../core/offers/eligibility.ts'
import {assertMine} from '../../core/offers/recognition.ts'
import {findServer, serverMismatch} from '../../core/offers/server-lookup.ts'
import type {ServerName} from '../../core/offers/server-name.ts'
import type {HostState, Snapshot} from '../../core/snapshot.ts'
import {type Predicate, predicates} from '../../core/vocabulary.ts'
import {hostToWire} from '../../protocol/snapshot-json.ts'
import {type Answer, json, jsonType, problem} from '../answer.ts'
import {type Context, momentOf} from '../context.ts'
import {lagLimits, meantHosts, queryOf} from '../query.ts'
import {hostParameter, meantParameter, type Parameter, paramOf, type Route} from '../route.ts'
import {notFound} from './snapshot.ts'

const limitParameters: readonly Parameter[] = [
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
const predicateParameter: Parameter = {
  name: 'predicate',
  in: 'path',
  description: 'the health check, by its name in Patroni',
  required: true,
  values: predicates,
}
const answers = {
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
    answers,
    type: jsonType,
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
  {
    method: 'GET',
    path: '/haproxy/:predicate',
    summary: 'The same check for the server in the header of HAProxy: one path for a whole backend.',
    parameters: [
      predicateParameter,
      ...limitParameters,
      {
        name: 'x-haproxy-server-state',
        in: 'header',
        description: 'sent by HAProxy with "http-check send-state"',
        required: true,
        example: 'UP 1/2; address=10.0.0.1; port=5432; name=backend/host1',
      },
      meantParameter,
    ],
    answers: {...answers, 421: 'the daemon does not watch a host of "host="'},
    type: jsonType,
    handle(request, context) {
      const predicate = predicateOf(request)
      if (predicate === null) return unknownPredicate
      const limits = limitsOf(request)
      const server = serverOf(request.headers['x-haproxy-server-state'])
      if (server === null) return noServer
      const snapshot = context.source.current()
      const found = findServer(server, snapshot)
      if (found.kind === 'mismatch') return misnamed(server, found)
      const meant = meantHosts(request)
      assertMine(meant, server, snapshot)
      if (found.kind === 'host')
        return judge({predicate, snapshot, host: found.host, limits, recognised: meant.length > 0}, context)
      return notFound('host', server.name ?? `${server.address}:${server.port}`, Object.keys(snapshot.hosts))
    },
  },
]

/** `recognised`: the daemon has compared its hosts with those that are meant. */
type Question = Readonly<{
  predicate: Predicate
  snapshot: Snapshot
  host: HostState
  limits: Limits
  recognised?: boolean
}>

function judge({predicate, snapshot, host, limits, recognised = false}: Question, context: Context): Answer {
  const {ok} = eligibilityOf(predicate, snapshot, host, limits)
  return json(ok ? 200 : 503, {...hostToWire(host, momentOf(context)), ...(recognised && {recognised})})
}

function misnamed(...asked: Parameters<typeof serverMismatch>): Answer {
  const {code, message, next} = serverMismatch(...asked)
  return problem(404, {code, detail: message, next})
}

function predicateOf(request: FastifyRequest): Predicate | null {
  const asked = paramOf(request, 'predicate')
  return predicates.find((known) => known === asked) ?? null
}

const limitsOf = (request: FastifyRequest): Limits => ({
  ...lagLimits(queryOf(request, 'lag'), 'lag'),
  replicationState: queryOf(request, 'replication_state'),
})

/**
 * `UP 1/2; address=10.0.0.1; port=5432; name=backend/host1; …` (HAProxy's manual, "http-check
 * send-state"). `null`: the header names no server.
 */
function serverOf(header: string | readonly string[] | undefined): ServerName | null {
  if (typeof header !== 'string') return null
  const fields = new Map(
    header
      .split(';')
      .map((field) => [field.slice(0, field.indexOf('=')).trim(), field.slice(field.indexOf('=') + 1).trim()]),
  )
  const [name, address, port] = [fields.get('name'), fields.get('address'), fields.get('port')]
  if (!name && !address) return null
  return {
    name: name ? name.slice(name.lastIndexOf('/') + 1) : null,
    address: address || null,
    port: port && /^\d{1,5}$/.test(port) ? Number(port) : null,
  }
}

/** Orders share their path with the health checks, and are POST only (orders.ts). */
const isOrder = (word: string): boolean => word === 'accept' || word === 'drain' || word === 'resume'
const anOrder = problem(
  405,
  {code: 'METHOD_NOT_ALLOWED', detail: 'this path is an order, not a health check', next: 'Use POST.'},
  {allow: 'POST'},
)
const unknownPredicate = problem(404, {
  code: 'UNKNOWN_PREDICATE',
  detail: 'this health check does not exist',
  next: `Health checks: ${predicates.join(', ')}.`,
})
const noServer = problem(400, {
  code: 'NO_SERVER_STATE',
  detail: 'the header X-Haproxy-Server-State is missing or names no server',
  next: 'Add "http-check send-state" to the backend in haproxy.cfg.',
})
