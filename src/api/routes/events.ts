import {problem} from '../answer.ts'
import type {EventStream} from '../event-stream.ts'
import {markStreaming} from '../listen/malformed.ts'
import {queryOf} from '../query.ts'
import type {Route} from '../route.ts'
import {text} from '../schema.ts'
import {notShared} from './instances.ts'

/** `own`: of the groups that this instance of a set owns; `null`: it is in no set. */
export const eventRoute = (all: EventStream, own: EventStream | null): Route => ({
  method: 'GET',
  path: '/v1/events',
  summary: 'Server-sent events: "snapshot" at once, "change" when something changes, "sample" at most once a second.',
  parameters: [
    {name: 'samples', in: 'query', description: '0: changes only', values: ['0', '1']},
    {
      name: 'own',
      in: 'query',
      description: '1: only the groups that this instance of a set owns, for the other instances',
      values: ['0', '1'],
    },
    {
      name: 'last-event-id',
      in: 'header',
      description: 'the last event that the client has seen; the stream begins with the later ones',
    },
  ],
  answers: {200: 'an endless stream of events', 404: 'own=1, and the daemon is in no set', 503: 'too many readers'},
  type: 'text/event-stream',
  body: {...text, description: 'the data of an event is a Snapshot, or changes with the Snapshot after them'},
  handle(request, {isStopping}, reply) {
    const stream = queryOf(request, 'own') === '1' ? own : all
    if (stream === null) return notShared
    const wantsSamples = queryOf(request, 'samples') !== '0'
    if (stream.isFull || isStopping) {
      return problem(503, {
        code: 'NO_STREAM',
        detail: isStopping ? 'the daemon is stopping' : 'the daemon has too many readers of events',
        next: 'Try again later.',
      })
    }
    const lastId = request.headers['last-event-id']
    reply.hijack()
    const {raw} = reply
    markStreaming(raw.socket)
    // Proxies must pass events on at once.
    raw.writeHead(200, {'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no'})
    if (request.method !== 'GET') raw.end()
    else stream.open(raw, typeof lastId === 'string' ? lastId : null, wantsSamples)
    return null
  },
})
