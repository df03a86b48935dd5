import {systemClock} from '../system/clock.ts'
import {databasesOf, RoutedConnector, whenReady} from './connector.ts'
import {durationMs} from './settings.ts'
import {openSource} from './source.ts'
import type {ConnectOptions, Connector} from './types.ts'

export {ConnectorError, type ConnectorErrorCode, type ConnectorErrorKind} from './connector-error.ts'
export type {ConnectorEvents as Events} from './events.ts'
export type {Kind} from './kind.ts'
export type {
  ConnectOptions,
  Connector,
  Database,
  DatabaseOptions,
  Duration,
  Node,
  ReadOptions,
  Routed,
  Size,
  Token,
  TransactionOptions,
  WriteOptions,
} from './types.ts'

/**
 * Opens databases, each with one writer and many readers that follow the verdict. Resolves after the
 * first full round. Rejects with OperatorError on wrong options or a wrong configuration, and with
 * ConnectorError `starting` when the hosts did not answer within `patience`.
 */
export async function connect(options: ConnectOptions): Promise<Connector> {
  databasesOf(options)
  const patienceMs = durationMs('patience', options.patience ?? '5s')
  const [opened, pg] = await Promise.all([openSource(options, patienceMs), options.pg ?? ownPg()])
  const deps = {opened, pg, clock: systemClock, random: Math.random}
  try {
    await whenReady(deps, patienceMs, options.signal)
    return new RoutedConnector(options, deps)
  } catch (error) {
    if (opened.isOwn) await opened.source[Symbol.asyncDispose]()
    throw error
  }
}

/** Not at the top: an application that gives its own copy does not load this one for it. */
const ownPg = async () => (await import('pg')).default
