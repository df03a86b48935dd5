import pg from 'pg'

/**
 * A write that was acknowledged: by the server on `port` (see WriterOptions), `at` in this process's
 * time. `key`: of its row.
 */
export type Ack = Readonly<{at: number; port: number; key: string}>

export const writtenTable =
  'create table written (id bigint generated always as identity primary key, port int not null, key text, ' +
  'at timestamptz not null default clock_timestamp())'

/** A server's port; where all have the same one, the number in its cluster_name: 2 of host2. */
const identities = {
  port: 'inet_server_port()',
  host: "substr(current_setting('cluster_name'), 5)::int",
} as const
/**
 * Between two writes, and after an error: no faster, so that a standby that was away still finds
 * the WAL that it needs.
 */
const restMs = 3

/** `host`: an address, or the folder of a unix socket. `identity`: what `port` of an Ack holds. */
export type WriterOptions = Readonly<{host?: string; identity?: keyof typeof identities}>

/**
 * One row after the other on one connection, and a new connection after every error: an application
 * without patience of its own. It waits for ever for an answer, so that only the proxy in front of
 * it can free it from a server that hangs.
 */
export class Writer implements AsyncDisposable {
  /** In the order in which they came. */
  readonly acks: Ack[] = []
  /** Connections that failed, or were refused, by the text of the error. */
  readonly errors = new Map<string, number>()
  readonly #port: number
  readonly #name: string
  readonly #host: string
  readonly #insert: string
  #asked = 0
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>

  /** `name`: what its keys begin with. */
  constructor(port: number, name = 'writer', {host = '127.0.0.1', identity = 'port'}: WriterOptions = {}) {
    this.#port = port
    this.#name = name
    this.#host = host
    this.#insert = `insert into written (port, key) values (${identities[identity]}, $1) returning port`
    this.#ended = this.#run(this.#stop.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#session(signal)
      } catch (error) {
        if (signal.aborted) return
        const text = error instanceof Error ? error.message : String(error)
        this.errors.set(text, (this.errors.get(text) ?? 0) + 1)
      }
      await rest()
    }
  }

  /** Rejects when its connection does. */
  async #session(signal: AbortSignal): Promise<void> {
    const client = new pg.Client({
      host: this.#host,
      port: this.#port,
      user: 'postgres',
      database: 'postgres',
      ssl: false,
    })
    const broken = new Promise<never>((_, reject) => {
      client.on('error', reject)
      client.on('end', () => reject(new Error('the connection ended')))
      signal.addEventListener('abort', () => reject(signal.reason), {once: true})
    })
    broken.catch(() => {})
    try {
      await Promise.race([client.connect(), broken])
      while (!signal.aborted) {
        this.#asked += 1
        const key = `${this.#name} ${this.#asked}`
        const {rows} = await Promise.race([client.query({name: 'write', text: this.#insert, values: [key]}), broken])
        this.acks.push({at: performance.now(), port: rows[0].port, key})
        await rest()
      }
    } finally {
      // Not `end`: a server that hangs does not take leave.
      client.connection.stream.destroy()
    }
  }
}

const rest = () => new Promise((resolve) => setTimeout(resolve, restMs))
