import type {IncomingMessage} from 'node:http'
import {createParser, type EventSourceMessage} from 'eventsource-parser'
import {type HttpEndpoint, isPinned, openRequest, strangeCertificate} from './http-request.ts'

/** A snapshot of some ten thousand hosts. No daemon sends a larger one. */
const maxBufferSize = 64 << 20
/** For the connection and the head of the answer. Afterwards silence is the reader's business. */
const headMs = 5_000

/** `ownOnly`: of the groups that the instance of a set owns itself. */
export type EventsRequest = Readonly<{
  endpoint: HttpEndpoint
  lastId: string | null
  ownOnly?: boolean
  signal: AbortSignal
}>

/**
 * The events of one connection, until it ends. Throws node's own error (`code`: ECONNREFUSED,
 * ABORT_ERR and so on), and a SyntaxError on an answer that is no stream of events.
 */
export async function* eventsOf(request: EventsRequest): AsyncGenerator<EventSourceMessage, void, void> {
  const response = await responseTo(request)
  const {statusCode, headers} = response
  if (statusCode !== 200 || !String(headers['content-type']).startsWith('text/event-stream')) {
    response.destroy()
    throw new SyntaxError(`the server answers ${statusCode} where a daemon of pgroute66 sends events`)
  }
  const waiting: EventSourceMessage[] = []
  const parser = createParser({
    maxBufferSize,
    onEvent: (event) => waiting.push(event),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') response.destroy(error)
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of response) {
    parser.feed(decoder.decode(chunk as Buffer, {stream: true}))
    yield* waiting.splice(0)
  }
}

async function responseTo({endpoint, lastId, ownOnly = false, signal}: EventsRequest): Promise<IncomingMessage> {
  const request = await openRequest(endpoint, {
    path: ownOnly ? '/v1/events?own=1' : '/v1/events',
    headers: {accept: 'text/event-stream', ...(lastId !== null && {'last-event-id': lastId})},
    timeout: headMs,
    agent: false,
    signal,
  })
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('timeout', () => request.destroy(new Error(`no answer within ${headMs} ms`)))
    request.on('response', (response) => {
      if (!isPinned(endpoint, response)) return request.destroy(strangeCertificate())
      request.setTimeout(0)
      resolve(response)
    })
    request.end()
  })
}
