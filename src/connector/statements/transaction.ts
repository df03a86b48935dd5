import type pg from 'pg'
import {onAbort} from '../../core/wait.ts'
import {ConnectorError} from '../connector-error.ts'
import type {Emitter} from '../events.ts'
import type {Fleet} from '../fleet.ts'
import type {Lease} from '../lane.ts'
import {isLost} from '../pools/host-pool.ts'
import {destroySocket} from '../pools/routed-client.ts'
import type {TransactionOptions} from '../types.ts'
import {send, sqlstateOf} from './send.ts'
import {unknownOutcome} from './write-run.ts'

export type TransactionDeps = Readonly<{fleet: Fleet; events: Emitter}>

const isolations = {
  'read committed': 'read committed',
  'repeatable read': 'repeatable read',
  serializable: 'serializable',
} as const

/** The words are this file's own: text of the caller never gets into the statement. */
function beginOf({isolation, readOnly = false}: TransactionOptions): string {
  const level = isolation === undefined ? undefined : isolations[isolation]
  if (isolation !== undefined && level === undefined)
    throw new TypeError(`isolation is ${JSON.stringify(isolation)}; there are: ${Object.keys(isolations).join(', ')}`)
  return [
    'begin',
    ...(level === undefined ? [] : [`isolation level ${level}`]),
    readOnly ? 'read only' : 'read write',
  ].join(' ')
}

/**
 * Runs one transaction on the client that `lease` gives, and gives it back. Never repeated. What
 * `run` throws is passed on after the rollback; a connection that was lost before COMMIT was sent
 * means that nothing was done, and after it, that the outcome is unknown.
 */
export async function runTransaction<T>(
  deps: TransactionDeps,
  lease: () => Promise<Lease>,
  run: (client: pg.PoolClient) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const begin = beginOf(options)
  const {client, host} = await lease()
  const node = deps.fleet.node(host)
  node.queries += 1
  const {signal} = options
  // The statement that runs fails as lost; what that means is decided where it is seen.
  const forget = signal === undefined ? () => {} : onAbort(signal, () => destroySocket(client))
  try {
    await client.query(begin)
    const value = await run(client)
    await commit(deps, client, host)
    client.release(isLost(client))
    return value
  } catch (error) {
    node.errors += 1
    throw await rolledBack(deps, {client, host, error: error as Error})
  } finally {
    forget()
  }
}

function commit({fleet, events}: TransactionDeps, client: pg.PoolClient, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    send(client, 'commit', undefined, (ended) => {
      if (ended.kind === 'done') return ended.result.command === 'ROLLBACK' ? reject(notCommitted(host)) : resolve()
      const {failed, error} = ended
      if (failed.phase !== 'lost' && failed.phase !== 'abandoned') return reject(error)
      events.emit('unknown', {host, error})
      reject(unknownOutcome(host, error, fleet))
    })
  })
}

/** PostgreSQL answers COMMIT with ROLLBACK where a statement had failed. */
const notCommitted = (host: string) =>
  new ConnectorError('rolled-back', `a statement of this transaction failed, so ${host} rolled it back at COMMIT`, {
    host,
    next: 'Let errors of statements reach the end of the function that transaction() is given.',
  })

type Failure = Readonly<{client: pg.PoolClient; host: string; error: Error}>

/** The error to throw, once the client is back. */
async function rolledBack({fleet}: TransactionDeps, {client, host, error}: Failure): Promise<Error> {
  // A transaction that may still be open must not go back into the pool: the next write would be in it.
  const isUnknown = error instanceof ConnectorError && error.outcome === 'unknown'
  const isClean =
    !isUnknown &&
    !isLost(client) &&
    (await client.query('rollback').then(
      () => true,
      () => false,
    ))
  const wasLost = isLost(client)
  client.release(!isClean || wasLost)
  if (error instanceof ConnectorError || !wasLost || !isDrivers(error)) return error
  fleet.node(host).connectionErrors += 1
  const lost = `the connection to ${host} was lost before COMMIT was sent`
  const message = `${lost}, so the transaction is rolled back: ${error.message}`
  const next = 'Run the transaction again.'
  return new ConnectorError('no-writer', message, {host, verdict: fleet.verdictOrNull, next, cause: error})
}

/** An error of pg, node or the server, and none of the application's own classes. */
const isDrivers = (error: Error): boolean =>
  sqlstateOf(error) !== null || Object.getPrototypeOf(error) === Error.prototype
