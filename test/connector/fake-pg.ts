import {EventEmitter} from 'node:events'
import pg from 'pg'
import type {PgModule} from '../../src/connector/types.ts'
import type {Clock} from '../../src/core/ports.ts'

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

/**
 * One server of a fake network. Statements take `latencyMs`; they are executed half-way, so that a
 * crash may come before the effect, or after it and before the answer.
 */
export class FakeServer {
  readonly name: string
  readonly port: number
  readonly clients = new Set<FakeClient>()
  latencyMs = 10
  isStandby = true
  isUp = true
  isFrozen = false
  /** SQLSTATE for the next logins. */
  refuses: string | null = null
  /** SQLSTATEs for the next statements, in order; `FATAL 57P01` ends the session; `null`: it succeeds. */
  script: (string | null)[] = []
  /** How many logins were under way at once, at most. */
  mostOpening = 0
  opening = 0
  executed: unknown[] = []
  /** Runs when the server thaws. */
  thawed: (() => void)[] = []

  constructor(name: string, port: number) {
    this.name = name
    this.port = port
  }

  /** Ends every connection, as `kill -9` does. */
  kill(): void {
    this.isUp = false
    this.isFrozen = false
    for (const client of [...this.clients]) client.lose(new Error('Connection terminated unexpectedly'))
    this.thawed = []
  }

  start(): void {
    this.isUp = true
  }

  freeze(): void {
    this.isFrozen = true
  }

  thaw(): void {
    this.isFrozen = false
    for (const run of this.thawed.splice(0)) run()
  }

  /** PostgreSQL 14 and later tell each session. */
  promote(): void {
    this.isStandby = false
    for (const client of this.clients) client.report('in_hot_standby', 'off')
  }

  /** A restart as a standby: no session survives it. */
  demote(): void {
    this.kill()
    this.isStandby = true
    this.start()
  }

  /** One session ends, as by pg_terminate_backend. */
  dropOne(): void {
    const [client] = this.clients
    client?.lose(new Error('Connection terminated unexpectedly'))
  }

  /** Calls `run` when the server works. */
  whenAwake(run: () => void): void {
    if (this.isFrozen) this.thawed.push(run)
    else run()
  }
}

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
  class Client extends FakeClient {
    constructor(config: {port: number; options?: string}) {
      const server = byPort.get(config.port)
      if (server === undefined) throw new Error(`no server at port ${config.port}`)
      super({clock, server, config, tell})
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
  server: FakeServer
  config: {options?: string}
  tell: (sent: Sent) => void
}>
type Callback = (error: Error | null, result?: object) => void

/** As much of `pg.Client` as pg-pool and the connector use. */
export class FakeClient extends EventEmitter {
  readonly #deps: FakeDeps
  readonly #running = new Set<Callback>()
  _queryable = true
  _ending = false
  readonly connection: EventEmitter & {stream: {destroyed: boolean; bytesWritten: number; destroy: () => void}}

  constructor(deps: FakeDeps) {
    super()
    this.#deps = deps
    const stream = {
      destroyed: false,
      bytesWritten: 0,
      destroy: () => this.lose(new Error('Connection terminated unexpectedly')),
    }
    this.connection = Object.assign(new EventEmitter(), {stream})
    // node's emitters throw an error that no listener takes; pg's connection has one.
    this.connection.on('error', () => {})
  }

  connect(callback: (error: Error | null, client?: FakeClient) => void): void {
    const {clock, server} = this.#deps
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
        this.query(query, undefined, (error, result) => (error ? reject(error) : resolve(result))),
      )
    if (!this._queryable) return void process.nextTick(() => done(new Error('Client is not queryable')))
    const {clock, server, config, tell} = this.#deps
    const text = typeof query === 'string' ? query : query.text
    const id = Array.isArray(values) ? values[0] : null
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
    return undefined
  }

  #refusalOf(text: string): string | null {
    const {server, config} = this.#deps
    const scripted = server.script.shift() ?? null
    if (scripted !== null) return scripted
    const isReadOnly = server.isStandby || config.options?.includes('read_only=on')
    return isReadOnly && text.startsWith('insert') ? '25006' : null
  }

  #answer(done: Callback, refusal: string | null, text: string): void {
    if (!this.#running.delete(done)) return
    const {server, clock} = this.#deps
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
    this.#deps.server.clients.delete(this)
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
