import {createParser, type EventSourceMessage} from 'eventsource-parser'
import {type Dispatcher, request} from 'undici'

/** A snapshot of some ten thousand hosts. No daemon sends a larger one. */
const maxBufferSize = 64 << 20

export type EventsRequest = Readonly<{
  dispatcher: Dispatcher
  origin: string
  lastId: string | null
  signal: AbortSignal
}>

/**
 * The events of one connection, until it ends. Throws what undici throws, and a SyntaxError on an
 * answer that is no stream of events.
 */
export async function* eventsOf({
  dispatcher,
  origin,
  lastId,
  signal,
}: EventsRequest): AsyncGenerator<EventSourceMessage, void, void> {
  const headers = {accept: 'text/event-stream', ...(lastId !== null && {'last-event-id': lastId})}
  const {
    statusCode,
    headers: received,
    body,
  } = await request(new URL('/v1/events', origin), {dispatcher, headers, signal, bodyTimeout: 0})
  if (statusCode !== 200 || !String(received['content-type']).startsWith('text/event-stream')) {
    body.destroy()
    throw new SyntaxError(`the server answers ${statusCode} where a daemon of pgroute66 sends events`)
  }
  const waiting: EventSourceMessage[] = []
  const parser = createParser({
    maxBufferSize,
    onEvent: (event) => waiting.push(event),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') body.destroy(error)
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk as Buffer, {stream: true}))
    yield* waiting.splice(0)
  }
}
