import type {Failure} from '../../core/facts/observation.ts'
import {type Clock, isFailure, type Pings} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {onAbort} from '../../core/wait.ts'
import {endOfCertificate} from './encryption.ts'
import {failureFrom, failureOf, type PgFailure, pgFailure} from './failure.ts'
import {type AnswerLimit, consoleLimit, probeLimit, tooLong} from './limits/answer-limit.ts'
import {type Patience, patience, RoundTrips} from './limits/patience.ts'
import {type Login, logIn, type SessionKind} from './login.ts'
import {PingTrials} from './pings/ping-trials.ts'
import {SyncPings, type SyncPingsDeps} from './pings/sync-pings.ts'
import {terminate} from './protocol.ts'
import {type Resolver, resolver} from './resolver.ts'

export type Question = {readonly name?: string; readonly text: string; readonly values?: unknown[]}
export type Row = Readonly<Record<string, unknown>>

/** One authenticated connection. Every way in which it can end is a value. */
export interface Connection {
  readonly backendPid: number
  readonly remoteAddress: string | null
  /** End of the server's certificate, milliseconds since 1970; `null`: no TLS. */
  readonly certificateEndsAt: number | null
  /** The connection ended, for whatever reason: each question fails. */
  readonly isOver: boolean
  /** Of the server at the other end, whatever it is. */
  readonly pings: Pings
  /**
   * One question at a time; the others queue. Never rejects. An abort destroys the socket, because
   * the next question would read the answer of this one.
   */
  ask(question: Question, signal: AbortSignal): Promise<readonly Row[] | PgFailure>
  /** Called once when the server or the network ends the connection; not for `close` or an abort. */
  onClosed(listener: (failure: Failure) => void): void
  /**
   * Sends Terminate, so that the server logs nothing, and does not wait. Idempotent.
   */
  close(): void
}

/**
 * Where a driver connects to, and its open connections. A connection leaves the set when its socket
 * closes, for whatever reason.
 */
export type Route = Readonly<{
  to: ConnectionSettings
  resolve: Resolver
  roundTrips: RoundTrips
  connections: Set<Connection>
  /** Default: none before. */
  trials?: PingTrials
  /** Default: the limit of a probe's answer. */
  limit?: AnswerLimit
  /** Default: `ours`. */
  kind?: SessionKind
  /** Told what a login showed that the operator should know. */
  advise?: (text: string) => void
}>

const md5Advice = ({user}: ConnectionSettings): string =>
  `the server asks for the password of user "${user}" by md5, which PostgreSQL has deprecated: ` +
  'set password_encryption = scram-sha-256, set the password anew, and write scram-sha-256 into pg_hba.conf'

export async function openConnection(
  {to, resolve, roundTrips, connections, trials, limit = probeLimit, kind = 'ours', advise}: Route,
  patience: Patience,
): Promise<Connection | PgFailure> {
  const login = await logIn(to, resolve, patience, kind)
  if (isFailure(login)) return login
  if (login.isMd5) advise?.(md5Advice(to))
  login.answers.limit = limit
  const {clock} = patience
  const connection = connectionOf(login, to, {clock, roundTrips, trials: trials ?? new PingTrials(clock, () => {})})
  connections.add(connection)
  login.socket.once('close', () => connections.delete(connection))
  return connection
}

/**
 * Opens connections outside of any driver, such as to PgBouncer's admin console. The caller's signal
 * is the only limit.
 */
export function connectionOpener(
  clock: Clock,
): (to: ConnectionSettings, signal: AbortSignal) => Promise<Connection | PgFailure> {
  const resolve = resolver(clock)
  return async (to, signal) => {
    const roundTrips = new RoundTrips(clock)
    using unlimited = patience(clock, roundTrips, null, signal)
    return await openConnection(
      {to, resolve, roundTrips, connections: new Set(), limit: consoleLimit, kind: 'bare'},
      unlimited,
    )
  }
}

/**
 * After these errors the server closes the connection. The connection counts as ended when the
 * error is read, not when the socket's end is seen.
 */
const fatal = /^(57P0|25P03)/

function connectionOf(
  {client, socket, backendPid, remoteAddress, answers}: Login,
  to: ConnectionSettings,
  about: Pick<SyncPingsDeps, 'clock' | 'roundTrips' | 'trials'>,
): Connection {
  let ended: PgFailure | null = null
  // Kept for a listener that is added after the end.
  let reported: Failure | null = null
  let listener: ((failure: Failure) => void) | null = null
  let isStopping = false
  const questions = queue()

  const end = (failure: PgFailure, by: 'us' | 'them') => {
    if (ended) return
    ended = failure
    pings.over()
    if (by === 'us') return
    reported = failureOf(isStopping ? {...failure, isStopping} : failure)
    listener?.(reported)
  }
  const lose = (failure: PgFailure) => {
    end(failure, 'them')
    socket.destroy()
  }
  const failed = (error: unknown) => {
    // pg emits the server's error first and the closed socket after it; `end` keeps the first.
    const failure = failureFrom(error, to, 'closed')
    lose(fatal.test(failure.sqlstate ?? '') ? endedByServer(failure) : failure)
  }
  const pings = new SyncPings({...about, client, answers, failed, isIdle: () => ended === null && questions.isEmpty})
  client.on('error', failed)
  // An immediate stop warns every session first. The same codes as an error are about one session.
  client.on('notice', ({code}) => {
    isStopping ||= isOrder(code ?? null)
  })
  answers.onExceeded = () => lose(pgFailure('error', tooLong('one question', answers.limit)))
  socket.on('close', () => end(pgFailure('closed', 'the server or the network closed the connection'), 'them'))

  const put = async (question: Question): Promise<readonly Row[] | PgFailure> => {
    if (ended) return ended
    answers.restart()
    try {
      // For several statements in one text pg returns an array, which has no `rows`; no caller reads
      // their results.
      const {rows} = await client.query<Record<string, unknown>>({...question})
      if (rows !== undefined && rows.length > answers.limit.rows) {
        lose(pgFailure('error', tooLong('one question', answers.limit)))
        return ended ?? []
      }
      return rows ?? []
    } catch (error) {
      const failure = failureFrom(error, to, 'closed')
      if (failure.sqlstate !== null && !fatal.test(failure.sqlstate)) return failure
      lose(failure.sqlstate === null ? failure : endedByServer(failure))
      return ended ?? failure
    }
  }

  return {
    backendPid,
    remoteAddress,
    certificateEndsAt: endOfCertificate(socket),
    pings,
    get isOver() {
      return ended !== null
    },
    async ask(question, signal) {
      const aborted = Promise.withResolvers<PgFailure>()
      const forget = onAbort(signal, () => {
        end(pgFailure('timeout', `${to.hostaddr ?? to.host} did not answer in time`), 'us')
        socket.destroy()
        aborted.resolve(ended as PgFailure)
      })
      const outcome = await Promise.race([aborted.promise, questions.add(() => put(question))])
      forget()
      return outcome
    },
    onClosed(to) {
      listener = to
      if (reported) to(reported)
    },
    close() {
      if (!ended) socket.write(terminate)
      end(pgFailure('closed', 'pgroute66 closed the connection'), 'us')
      // Flushes to the kernel and sends FIN (over TLS: close_notify first). Does not wait for the
      // peer.
      socket.destroySoon()
    },
  }
}

/** Runs what is added one after the other; none of it rejects. */
function queue() {
  let last: Promise<unknown> = Promise.resolve()
  let length = 0
  return {
    get isEmpty() {
      return length === 0
    },
    add<T>(work: () => Promise<T>): Promise<T> {
      length += 1
      const mine = last.then(work).finally(() => {
        length -= 1
      })
      last = mine
      return mine
    },
  }
}

const endedByServer = (failure: PgFailure): PgFailure => ({
  ...failure,
  cause: 'closed',
  detail: `the server ended the session. ${failure.detail}`,
  ...(isOrder(failure.sqlstate) && {isOrdered: true}),
})

/** A shutdown, or pg_terminate_backend: the two look alike. */
const isOrder = (sqlstate: string | null): boolean => sqlstate === '57P01' || sqlstate === '57P02'
