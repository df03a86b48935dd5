import {channel, tracingChannel} from 'node:diagnostics_channel'
import type {ConnectorEvents} from './events.ts'
import type {Kind} from './kind.ts'

/** What a subscriber of `tracing:pgroute66:query:*` gets. Never a value, and never a row. */
export type TracedQuery = {
  readonly database: string
  readonly kind: Kind
  /** Known at the end. */
  host: string | null
  attempts: number
}

const queries = tracingChannel<object, TracedQuery>('pgroute66:query')
const switches = channel('pgroute66:switch')

/** Costs one look where there is no subscriber. */
export function traced<T extends Readonly<{host: string; attempts: number}>>(
  database: string,
  kind: Kind,
  run: () => Promise<T>,
): Promise<T> {
  if (!queries.hasSubscribers) return run()
  const context: TracedQuery = {database, kind, host: null, attempts: 0}
  const {promise, resolve, reject} = Promise.withResolvers<T>()
  const told = queries.tracePromise(async () => {
    const result = await run()
    context.host = result.host
    context.attempts = result.attempts
    resolve(result)
  }, context)
  told.catch(reject)
  return promise
}

export function tellSwitch(database: string, told: ConnectorEvents['switch']): void {
  if (switches.hasSubscribers) switches.publish({database, ...told})
}
