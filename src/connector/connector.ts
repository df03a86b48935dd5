import {OperatorError} from '../core/errors.ts'
import type {Clock, Random} from '../core/ports.ts'
import {atMost, sleep} from '../core/wait.ts'
import {ConnectorError} from './connector-error.ts'
import {RoutedDatabase} from './database.ts'
import {closed} from './lane.ts'
import {durationMs, known, settingsOf} from './settings.ts'
import type {Opened} from './source.ts'
import type {ConnectOptions, Connector, Database, Duration, PgModule} from './types.ts'

export type ConnectorDeps = Readonly<{opened: Opened; pg: PgModule; clock: Clock; random: Random}>

/** What the end of cut connections takes. */
const cutMs = 1_000
const optionNames = ['config', 'daemon', 'source', 'databases', 'pg', 'patience', 'signal']

/** Settings of each database. Throws OperatorError. */
export function databasesOf(options: ConnectOptions) {
  known('connect()', options, optionNames)
  const entries = Object.entries(options.databases ?? {default: {}})
  if (entries.length === 0) throw new OperatorError('USAGE', 'databases is empty', 'Name one database or more.')
  return entries.map(([name, database]) => settingsOf(name, database))
}

/** The databases over a source that is ready. */
export class RoutedConnector implements Connector {
  readonly names: readonly string[]
  readonly #deps: ConnectorDeps
  readonly #databases: ReadonlyMap<string, RoutedDatabase>
  #closing: Promise<void> | null = null

  constructor(options: ConnectOptions, deps: ConnectorDeps) {
    const {opened, pg, clock, random} = deps
    this.#deps = deps
    const {source} = opened
    const {groups} = source.current()
    // A database subscribes to the source, so all options are checked before the first one is made.
    const planned = databasesOf(options).map((settings) => ({
      settings,
      group: groupOf(settings.name, settings.group, Object.keys(groups)),
    }))
    this.#databases = new Map(
      planned.map(({settings, group}) => {
        const fallback = settings.read.fallback ?? opened.fallback(group)
        return [settings.name, new RoutedDatabase({source, settings, group, fallback, pg, clock, random})]
      }),
    )
    this.names = [...this.#databases.keys()]
  }

  use(name?: string): Database {
    const wanted = name ?? (this.names.length === 1 ? this.names[0] : 'default') ?? 'default'
    const database = this.#databases.get(wanted)
    if (database === undefined)
      throw new OperatorError('USAGE', `there is no database "${wanted}"`, `Databases: ${this.names.join(', ')}.`)
    if (this.#closing !== null) throw closed()
    return database
  }

  async reload(config: string | object): Promise<void> {
    const {reload, fallback} = this.#deps.opened
    if (reload === null) {
      const next = 'Reload the daemon (SIGHUP), or the owner of the source.'
      throw new OperatorError('USAGE', 'the connector has no configuration of its own', next)
    }
    await reload(config)
    for (const database of this.#databases.values()) database.reloaded(fallback)
  }

  close({grace = '10s'}: Readonly<{grace?: Duration}> = {}): Promise<void> {
    this.#closing ??= this.#close(durationMs('grace', grace))
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    const databases = [...this.#databases.values()]
    const ended = Promise.all(databases.map((database) => database.close()))
    await atMost(this.#deps.clock, graceMs, ended)
    for (const database of databases) database.cut()
    // A client that the application holds is cut, and counts as out until the application releases it.
    await atMost(this.#deps.clock, cutMs, ended)
    const {source, isOwn} = this.#deps.opened
    if (isOwn) await source[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function groupOf(database: string, asked: string | null, groups: readonly string[]): string {
  const next = `Groups: ${groups.join(', ')}.`
  if (asked === null) {
    const [only] = groups
    if (only !== undefined && groups.length === 1) return only
    throw new OperatorError('USAGE', `databases.${database} names no group, and there are several`, next)
  }
  if (groups.includes(asked)) return asked
  throw new OperatorError('USAGE', `databases.${database}.group: there is no group "${asked}"`, next)
}

/** Resolves once every host has an answer or a cause. Rejects with ConnectorError (`starting`, `aborted`). */
export async function whenReady(
  {opened: {source}, clock}: ConnectorDeps,
  patienceMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const stop = new AbortController()
  const isReady = () => source.current().ready
  const heard = new Promise<void>((resolve) => {
    const unsubscribe = source.subscribe(() => isReady() && resolve())
    stop.signal.addEventListener('abort', unsubscribe)
  })
  const limit = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  if (!isReady()) await Promise.race([heard, sleep(clock, patienceMs, limit)])
  stop.abort()
  const next = 'Are the hosts of the configuration there? "pgroute66 config check --connect" asks each of them.'
  if (signal?.aborted)
    throw new ConnectorError('aborted', 'the caller gave up before the first round was done', {
      next,
      cause: signal.reason,
    })
  if (isReady()) return
  const silent = Object.values(source.current().hosts).flatMap(({host, askedAt}) => (askedAt === null ? [host] : []))
  throw new ConnectorError('starting', `no first answer within ${patienceMs} ms of: ${silent.join(', ')}`, {next})
}
