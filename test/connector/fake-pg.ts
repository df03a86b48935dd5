import {EventEmitter} from 'node:events'
import pg from 'pg'
import type {PgModule} from '../../src/connector/types.ts'
import type {Clock} from '../../src/core/ports.ts'
import {FakeServer} from './fake-server.ts'

/** An error as PostgreSQL sends it. */
export const serverError = (code: string, severity = 'ERROR'): Error =>
  Object.assign(new Error(`the server says ${code}`), {code, severity})

/** What a statement did that reached a server. */
export type Sent = Readonly<{
  host: string
  text: string
  kind: 'read' | 'write'
  id: unknown
  /** As answered; not while the answer is under way, and not where it was lost. */
  isRefusedByStandby: () => boolean
}>

export type FakeNetwork = Readonly<{
  servers: ReadonlyMap<string, FakeServer>
  module: PgModule
  /** Every statement of which a byte was sent. */
  sent: readonly Sent[]
  onSend: (listener: (sent: Sent) => void) => void
}>

/** A module like `pg` whose clients reach servers of this process: real `pg.Pool`s over fake clients. */
export function fakeNetwork(clock: Clock, names: readonly string[]): FakeNetwork {
  const servers = new Map(names.map((name, index) => [name, new FakeServer(name, 5432 + index)]))
  const byPort = new Map([...servers.values()].map((server) => [server.port, server]))
  const sent: Sent[] = []
  const listeners: ((sent: Sent) => void)[] = []
  const tell = (one: Sent) => {
    sent.push(one)
    for (const listener of listeners) listener(one)
  }
  const serverAt = (port: number) => {
    const server = byPort.get(port)
    if (server === undefined) throw new Error(`no server at port ${port}`)
    return server
  }
  class Client extends FakeClient {
    constructor(config: {port: number; options?: string}) {
      super({clock, serverAt, config, tell})
    }
  }
  class Pool extends pg.Pool {
    constructor(options: pg.PoolConfig) {
      super({...options, Client: options.Client ?? (Client as never)})
    }
  }
  const module = {...pg, Client, Pool} as unknown as PgModule
  return {servers, module, sent, onSend: (listener) => listeners.push(listener)}
}

type FakeDeps = Readonly<{
  clock: Clock
  serverAt: (port: number) => FakeServer
  config: {port: number; options?: string}
  tell: (sent: Sent) => void
}>
type Callback = (error: Error | null, result?: object) => void

/** As much of `pg.Client` as pg-pool and the connector use. */
export class FakeClient extends EventEmitter {
  readonly #deps: FakeDeps
  readonly #running = new Set<Callback>()
  /** May be set before `connect`, as with pg. */
  port: number
  _queryable = true
  _ending = false
  readonly connection: EventEmitter & {stream: {destroyed: boolean; bytesWritten: number; destroy: () => void}}

  constructor(deps: FakeDeps) {
    super()
    this.#deps = deps
    this.port = deps.config.port
    const stream = {
      destroyed: false,
      bytesWritten: 0,
      destroy: () => this.lose(new Error('Connection terminated unexpectedly')),
    }
    this.connection = Object.assign(new EventEmitter(), {stream})
    // node's emitters throw an error that no listener takes; pg's connection has one.
    this.connection.on('error', () => {})
  }

  get #server(): FakeServer {
    return this.#deps.serverAt(this.port)
  }

  connect(callback?: (error: Error | null, client?: FakeClient) => void): Promise<FakeClient> | undefined {
    if (callback === undefined)
      return new Promise((resolve, reject) =>
        this.#connect((error, client) => (client === undefined ? reject(error) : resolve(client))),
      )
    this.#connect(callback)
  }

  #connect(callback: (error: Error | null, client?: FakeClient) => void): void {
    const {clock} = this.#deps
    const server = this.#server
    server.opening += 1
    server.mostOpening = Math.max(server.mostOpening, server.opening)
    let isDone = false
    const done = (error: Error | null) => {
      if (isDone) return
      isDone = true
      server.opening -= 1
      if (error !== null) {
        this._queryable = false
        this.connection.stream.destroyed = true
        setImmediateSafe(() => this.emit('end'))
        callback(error)
        return
      }
      server.clients.add(this)
      this.report('in_hot_standby', server.isStandby ? 'on' : 'off')
      callback(null, this)
    }
    this.connection.on('end', () => done(new Error('Connection terminated unexpectedly')))
    clock.after(server.latencyMs, () => {
      if (!server.isUp) return done(Object.assign(new Error('connect ECONNREFUSED'), {code: 'ECONNREFUSED'}))
      server.whenAwake(() => done(server.refuses === null ? null : serverError(server.refuses, 'FATAL')))
    })
  }

  query(
    query: string | {text: string},
    values: readonly unknown[] | undefined | Callback,
    callback?: Callback,
  ): unknown {
    const done = typeof values === 'function' ? values : callback
    if (done === undefined)
      return new Promise((resolve, reject) =>
        this.#query(query, Array.isArray(values) ? values : [], (error, result) =>
          error ? reject(error) : resolve(result),
        ),
      )
    this.#query(query, Array.isArray(values) ? values : [], done)
    return undefined
  }

  #query(query: string | {text: string}, values: readonly unknown[], done: Callback): void {
    if (!this._queryable) {
      process.nextTick(() => done(new Error('Client is not queryable')))
      return
    }
    const {clock, config, tell} = this.#deps
    const server = this.#server
    const text = typeof query === 'string' ? query : query.text
    const [id = null] = values
    this.connection.stream.bytesWritten += 1
    let isRefused = false
    const kind = config.options?.includes('read_only=on') ? 'read' : 'write'
    tell({host: server.name, text, id, kind, isRefusedByStandby: () => isRefused})
    const answered: Callback = (error, result) => {
      isRefused = server.isStandby && (error as {code?: string} | null)?.code === '25006'
      done(error, result)
    }
    this.#running.add(answered)
    clock.after(server.latencyMs / 2, () =>
      server.whenAwake(() => {
        if (!this.#running.has(answered)) return
        const refusal = this.#refusalOf(text)
        // A FATAL may come after the commit: it waited for a synchronous standby.
        if (refusal === null || refusal.startsWith('FATAL ')) server.executed.push(id)
        clock.after(server.latencyMs / 2, () => server.whenAwake(() => this.#answer(answered, refusal, text)))
      }),
    )
  }

  #refusalOf(text: string): string | null {
    const {config} = this.#deps
    const server = this.#server
    const scripted = server.script.shift() ?? null
    if (scripted !== null) return scripted
    const isReadOnly = server.isStandby || config.options?.includes('read_only=on')
    return isReadOnly && text.startsWith('insert') ? '25006' : null
  }

  #answer(done: Callback, refusal: string | null, text: string): void {
    if (!this.#running.delete(done)) return
    const {clock} = this.#deps
    const server = this.#server
    if (refusal === null) done(null, {rows: [{host: server.name}], command: text.split(' ')[0]?.toUpperCase()})
    else if (refusal.startsWith('FATAL ')) {
      // The session ends a moment after its last words.
      done(serverError(refusal.slice(6), 'FATAL'))
      clock.after(1, () => this.lose(new Error('Connection terminated unexpectedly')))
      return
    } else done(serverError(refusal))
    this.connection.emit('readyForQuery')
  }

  /** The server reports a parameter. */
  report(parameterName: string, parameterValue: string): void {
    this.connection.emit('parameterStatus', {parameterName, parameterValue})
  }

  /** The connection is gone, as pg tells it: statements fail a tick later, the client at once. */
  lose(error: Error): void {
    if (this.connection.stream.destroyed) return
    this.connection.stream.destroyed = true
    this._queryable = false
    this.#server.clients.delete(this)
    const running = [...this.#running]
    this.#running.clear()
    for (const done of running) process.nextTick(() => done(error))
    if (!this._ending) this.emit('error', error)
    this.connection.emit('end')
    process.nextTick(() => this.emit('end'))
  }

  end(callback?: () => void): Promise<void> | undefined {
    this._ending = true
    this.lose(new Error('Connection terminated'))
    if (callback === undefined) return Promise.resolve()
    process.nextTick(callback)
  }

  isConnected(): boolean {
    return this._queryable
  }

  ref(): void {}
  unref(): void {}
}

const setImmediateSafe = (run: () => void) => process.nextTick(run)
