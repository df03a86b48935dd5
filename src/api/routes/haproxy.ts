import type {FastifyRequest} from 'fastify'
import {isDeposed} from '../../core/offers/deposed.ts'
import {eligibilityOf} from '../../core/offers/eligibility.ts'
import {isUnasked} from '../../core/offers/pools.ts'
import {assertMine} from '../../core/offers/recognition.ts'
import {findServer, serverMismatch} from '../../core/offers/server-lookup.ts'
import type {HostState, Snapshot} from '../../core/snapshot.ts'
import type {Predicate} from '../../core/vocabulary.ts'
import {hostToWire} from '../../protocol/snapshot-json.ts'
import {type Answer, json, jsonType, problem} from '../answer.ts'
import {type Context, momentOf} from '../context.ts'
import {type HaproxyServer, haproxyServer} from '../haproxy-server.ts'
import {meantHosts} from '../query.ts'
import {meantParameter, type Route} from '../route.ts'
import {named} from '../schema.ts'
import {healthAnswers, limitParameters, limitsOf, predicateOf, predicateParameter, unknownPredicate} from './health.ts'
import {notFound} from './snapshot.ts'

/**
 * What HAProxy does with a server that fails the check: `drain`, no new sessions, open ones stay;
 * `unchanged`, nothing is known yet. Without the header: down. The generated haproxy.cfg obeys it.
 */
const stateHeader = 'x-pgroute66-server'

export const haproxyRoute: Route = {
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
  answers: {...healthAnswers, 421: 'the daemon does not watch a host of "host="'},
  type: jsonType,
  body: named('CheckedHost'),
  bodies: {503: named('CheckedHost')},
  problems: [503],
  handle(request, context) {
    const predicate = predicateOf(request)
    if (predicate === null) return unknownPredicate
    const limits = limitsOf(request)
    const asked = haproxyServer(request.headers['x-haproxy-server-state'])
    if (asked === null) return noServer
    const snapshot = context.source.current()
    const found = findServer(asked.server, snapshot)
    if (found.kind === 'mismatch') return misnamed(asked.server, found)
    const meant = meantHosts(request)
    assertMine(meant, asked.server, snapshot)
    if (found.kind === 'unknown') {
      const {name, address, port} = asked.server
      return notFound('host', name ?? `${address}:${port}`, Object.keys(snapshot.hosts))
    }
    const {host, isAddressKnown} = found
    if (!isAddressKnown) context.unknownAddresses.note(asked.server, host.host)
    const {ok} = eligibilityOf(predicate, snapshot, host, limits)
    const blocker = isOfWriters(predicate) ? blockerOf({host, asked, ok, snapshot}, request, context) : null
    if (blocker !== null) return withheld(host.host, blocker)
    // `recognised`: the daemon has compared its hosts with those that are meant.
    const body = {...hostToWire(host, momentOf(context)), ...(meant.length > 0 && {recognised: true})}
    return json(ok ? 200 : 503, body, ok ? undefined : stateOf(predicate, host, snapshot))
  },
}

const isOfWriters = (predicate: Predicate): boolean =>
  predicate === 'primary' || predicate === 'leader' || predicate === 'read-write'

function stateOf(predicate: Predicate, host: HostState, snapshot: Snapshot): Record<string, string> | undefined {
  if (isUnasked(host, snapshot)) return {[stateHeader]: 'unchanged'}
  return isOfWriters(predicate) && !isDeposed(host, snapshot) ? {[stateHeader]: 'drain'} : undefined
}

type Asked = Readonly<{host: HostState; asked: HaproxyServer; ok: boolean; snapshot: Snapshot}>

function blockerOf(
  {host, asked: {place, isUp, isOtherUp}, ok, snapshot}: Asked,
  request: FastifyRequest,
  {handover, clock}: Context,
): string | null {
  const members = host.groups.flatMap((name) => snapshot.groups[name]?.hosts ?? [])
  return handover.blocker({
    place: `${request.socket.remoteAddress ?? ''} ${place}`,
    host: host.host,
    others: [...new Set(members)].filter((name) => name !== host.host),
    isRouted: ok,
    isUp,
    isOtherUp,
    now: clock.now(),
  })
}

const withheld = (host: string, blocker: string): Answer =>
  problem(
    503,
    {
      code: 'HANDOVER',
      detail: `${host} waits: this HAProxy still sends writers to ${blocker}, which goes down first`,
      next: 'HAProxy asks again. If this lasts, look at the servers that HAProxy shows as up in this backend.',
    },
    {[stateHeader]: 'drain'},
  )

function misnamed(...asked: Parameters<typeof serverMismatch>): Answer {
  const {code, message, next} = serverMismatch(...asked)
  return problem(404, {code, detail: message, next})
}

const noServer = problem(400, {
  code: 'NO_SERVER_STATE',
  detail: 'the header X-Haproxy-Server-State is missing or names no server',
  next: 'Add "http-check send-state" to the backend in haproxy.cfg.',
})
