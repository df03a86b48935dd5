import type {EventEmitter} from 'node:events'
import type pg from 'pg'
import type {Kind} from '../kind.ts'
import type {PgModule} from '../types.ts'

/** What the connector knows of one client, beside the client: pg and libraries own its fields. */
export type ClientFacts = {
  readonly host: string
  readonly kind: Kind
  /** The error that ended the connection. */
  loss: Error | null
  /**
   * PostgreSQL 14 and later report it at the login and at a promotion, unasked. `null`: not
   * reported.
   */
  inHotStandby: boolean | null
  /** The first statement on a new connection is slower than the others. */
  isWarm: boolean
}

const facts = new WeakMap<object, ClientFacts>()

/** `undefined`: not a client of the connector. */
export const factsOf = (client: object): ClientFacts | undefined => facts.get(client)

export type ClientBirth = Readonly<{
  host: string
  kind: Kind
  connectionTimeoutMillis: number
  born(client: pg.Client): void
  died(client: pg.Client): void
}>

/**
 * `pg.Client`, which also remembers how its connection ended. It carries an `error` listener for
 * life: pg-pool takes its own away at checkout, and an error without a listener ends the process.
 */
export function routedClientClass(base: PgModule['Client'], birth: ClientBirth): PgModule['Client'] {
  const {host, kind, connectionTimeoutMillis, born, died} = birth
  return class Client extends base {
    constructor(config?: pg.ClientConfig) {
      // Not the pool's: it would start a timer at each checkout of an idle client. pg-pool hides the
      // password from all that copies its options.
      super({...config, ...(config?.password !== undefined && {password: config.password}), connectionTimeoutMillis})
      const known: ClientFacts = {host, kind, loss: null, inHotStandby: null, isWarm: false}
      facts.set(this, known)
      this.on('error', (error) => {
        known.loss ??= error
      })
      this.on('end', () => died(this))
      messagesOf(this)?.on('parameterStatus', ({parameterName, parameterValue}: Parameter) => {
        if (parameterName === 'in_hot_standby') known.inHotStandby = parameterValue === 'on'
      })
      born(this)
    }

    /** For `using client = await db.client('read')`. */
    [Symbol.dispose](): void {
      const {release} = this as {release?: () => void}
      try {
        release?.()
      } catch {
        // It was released before.
      }
    }
  }
}

type Parameter = Readonly<{parameterName: string; parameterValue: string}>

/** pg's connection emits each message of the server by its name. Its types leave that out. */
export const messagesOf = (client: pg.ClientBase): EventEmitter | undefined =>
  (client as {connection?: EventEmitter}).connection

type Stream = Readonly<{destroyed?: boolean; bytesWritten?: number; destroy?: () => void}>
const streamOf = (client: pg.ClientBase): Stream | undefined =>
  (client as {connection?: {stream?: Stream}}).connection?.stream

/** Ends the connection at once. Statements that run on it fail, and the client says why. */
export const destroySocket = (client: pg.ClientBase): void => streamOf(client)?.destroy?.()

/** The socket is gone: what the driver says about it is the loss, however it is worded. */
export const isSocketGone = (client: pg.ClientBase): boolean => streamOf(client)?.destroyed ?? false

/** Grows with every byte that is given to the network. `null`: the stream does not count. */
export const bytesSent = (client: pg.ClientBase): number | null => streamOf(client)?.bytesWritten ?? null
