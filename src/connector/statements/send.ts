import type pg from 'pg'
import type {Failed} from '../policy/outcome.ts'
import {bytesSent, factsOf, isSocketGone, messagesOf} from '../pools/routed-client.ts'

export type Ended = Readonly<{kind: 'done'; result: pg.QueryResult} | {kind: 'failed'; error: Error; failed: Failed}>

/**
 * Sends one statement, and tells once how it ended. Whether a byte was sent is counted on the
 * socket; whether the server refused it is known when the server is ready again. No text of an error
 * is read: messages and severities come in the server's language.
 */
export function send(
  client: pg.ClientBase,
  query: string | pg.QueryConfig,
  values: readonly unknown[] | undefined,
  ended: (ended: Ended) => void,
): void {
  const before = bytesSent(client)
  const isSent = () => before === null || bytesSent(client) !== before
  const failed = (error: Error) =>
    classify(client, error, isSent(), (how) => ended({kind: 'failed', error, failed: how}))
  try {
    client.query(query as string, values as unknown[], (error: Error | null, result: pg.QueryResult) => {
      if (error) failed(error)
      else ended({kind: 'done', result})
    })
  } catch (error) {
    failed(error as Error)
  }
}

function classify(client: pg.ClientBase, error: Error, isSent: boolean, told: (failed: Failed) => void): void {
  const isLost = factsOf(client)?.loss != null || isSocketGone(client)
  if (isLost) {
    told({phase: isSent ? 'lost' : 'lost-unsent'})
    return
  }
  if (!isSent) {
    told({phase: 'refused-by-driver'})
    return
  }
  const sqlstate = sqlstateOf(error)
  if (sqlstate === null) {
    told({phase: 'abandoned'})
    return
  }
  afterAnswer(client, (isReady) =>
    told(
      isReady ? {phase: 'answered', sqlstate, inHotStandby: factsOf(client)?.inHotStandby === true} : {phase: 'lost'},
    ),
  )
}

/**
 * An error of the server alone says little: a FATAL one ends the session, and may come after a
 * commit. Only ReadyForQuery says that the statement was rolled back. (PostgreSQL documentation,
 * 55.2.2 "Simple Query".)
 */
function afterAnswer(client: pg.ClientBase, told: (isReady: boolean) => void): void {
  const messages = messagesOf(client)
  if (messages === undefined) {
    told(false)
    return
  }
  const ready = () => done(true)
  const over = () => done(false)
  const done = (isReady: boolean) => {
    messages.off('readyForQuery', ready)
    messages.off('end', over)
    messages.off('error', over)
    told(isReady)
  }
  messages.on('readyForQuery', ready)
  messages.on('end', over)
  messages.on('error', over)
}

/** `null`: not an error of the server. */
export function sqlstateOf(error: unknown): string | null {
  const {code, severity} = error as {code?: unknown; severity?: unknown}
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && severity !== undefined ? code : null
}

/** The name of node's error; `null`: not one of node's. */
export function errnoOf(error: unknown): string | null {
  const {code} = error as {code?: unknown}
  return typeof code === 'string' && sqlstateOf(error) === null ? code : null
}
