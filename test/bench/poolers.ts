import {setTimeout as sleep} from 'node:timers/promises'
import type pg from 'pg'
import {until} from '../support/cluster.ts'
import type {Pgbouncer} from '../support/pgbouncer.ts'

/**
 * One write, from its question to its end. The first one on a connection begins with that.
 * `begunAt` of one that failed because its connection had broken before, while the client rested:
 * when that was.
 */
type Attempt = Readonly<{client: number; begunAt: number; endedAt: number}>
export type Ack = Attempt & Readonly<{port: number}>
export type Failure = Attempt & Readonly<{text: string}>

const insert = 'insert into written (port) values (inet_server_port()) returning port'
/** Between two writes, and after an error. */
const restMs = 3

/**
 * Clients of a pooler: some that keep their connection for as long as it lasts, and one that takes
 * a new one for every write.
 */
export class Poolers implements AsyncDisposable {
  readonly acks: Ack[] = []
  readonly failures: Failure[] = []
  readonly #pgbouncer: Pgbouncer
  readonly #kept: readonly number[]
  readonly #stop = new AbortController()
  readonly #ended: Promise<unknown>

  constructor(pgbouncer: Pgbouncer, count: number) {
    this.#pgbouncer = pgbouncer
    this.#kept = Array.from({length: count}, (_, index) => index)
    this.#ended = Promise.all([...this.#kept.map((client) => this.#serve(client, true)), this.#serve(count, false)])
  }

  /** Until each of those that keep their connection has written to the server on `port` again. */
  async serveFrom(port: number): Promise<void> {
    const from = performance.now()
    const hasWritten = (client: number) =>
      this.acks.some((ack) => ack.client === client && ack.port === port && ack.endedAt >= from)
    await until(() => this.#kept.every(hasWritten))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #serve(client: number, isKept: boolean): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let connection: pg.Client | null = null
      let brokenAt: number | null = null
      let isFine = await this.#attempt(client, null, async () => {
        connection = await this.#pgbouncer.connect('app')
        connection.on('error', () => {
          brokenAt ??= performance.now()
        })
        return this.#write(connection)
      })
      while (isFine && isKept && !this.#stop.signal.aborted) {
        await sleep(restMs)
        isFine = await this.#attempt(client, brokenAt, () => this.#write(connection as unknown as pg.Client))
      }
      leave(connection)
      await sleep(restMs)
    }
  }

  async #write(connection: pg.Client): Promise<number> {
    return (await connection.query(insert)).rows[0].port
  }

  async #attempt(client: number, brokenAt: number | null, write: () => Promise<number>): Promise<boolean> {
    const begunAt = brokenAt ?? performance.now()
    try {
      this.acks.push({client, port: await write(), begunAt, endedAt: performance.now()})
      return true
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.failures.push({client, text, begunAt, endedAt: performance.now()})
      return false
    }
  }
}

const leave = (connection: pg.Client | null) => connection?.connection.stream.destroy()
