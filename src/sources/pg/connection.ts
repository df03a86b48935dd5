import type {Failure} from '../../core/facts/observation.ts'
import {type Clock, isFailure} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {onAbort} from '../../core/wait.ts'
import {type AnswerLimit, consoleLimit, probeLimit, tooLong} from './answer-limit.ts'
import {failureFrom, failureOf, type PgFailure, pgFailure} from './failure.ts'
import {type Login, logIn, type SessionKind} from './login.ts'
import {terminate} from './protocol.ts'
import {type Resolver, resolver} from './resolver.ts'

export type Question = {readonly name?: string; readonly text: string; readonly values?: unknown[]}
export type Row = Readonly<Record<string, unknown>>

/** One authenticated connection, and every way in which it can end, as values. */
export interface Connection {
  readonly backendPid: number
  readonly remoteAddress: string | null
  /**
   * One question at a time; others wait their turn. Never rejects. An abort destroys the socket:
   * the answer would belong to nobody.
   */
  ask(question: Question, signal: AbortSignal): Promise<readonly Row[] | PgFailure>
  /** Once, when the server or the network ends the line; not on our own `close` or an abort. */
  onClosed(listener: (failure: Failure) => void): void
  /**
   * Says good-bye without waiting for anything, so that the server has nothing to log. Idempotent.
   */
  close(): void
}

/**
 * Where a driver's lines lead, and those that are open: each leaves the set when its socket is
 * gone, whoever ended it.
 */
export type Route = Readonly<{
  to: ConnectionSettings
  resolve: Resolver
  connections: Set<Connection>
  /** Default: that of probes. */
  limit?: AnswerLimit
  /** Default: `ours`. */
  kind?: SessionKind
}>

export async function openConnection(
  {to, resolve: names, connections: lines, limit = probeLimit, kind = 'ours'}: Route,
  signal: AbortSignal,
): Promise<Connection | PgFailure> {
  const login = await logIn(to, names, signal, kind)
  if (isFailure(login)) return login
  login.answers.limit = limit
  const line = connectionOf(login, to)
  lines.add(line)
  login.socket.once('close', () => lines.delete(line))
  return line
}

/** Opens lines that no driver counts, such as those to PgBouncer's admin console. */
export function connectionOpener(
  clock: Clock,
): (to: ConnectionSettings, signal: AbortSignal) => Promise<Connection | PgFailure> {
  const lookup = resolver(clock)
  return (to, signal) =>
    openConnection({to, resolve: lookup, connections: new Set(), limit: consoleLimit, kind: 'bare'}, signal)
}

/**
 * After these the server closes the connection; it is over when they are read, not when the
 * socket's end is seen.
 */
const fatal = /^(57P0|25P03)/

function connectionOf({client, socket, backendPid, remoteAddress, answers}: Login, to: ConnectionSettings): Connection {
  let ended: PgFailure | null = null
  // Kept for a listener that comes after the end: it must not wait for an event that is over.
  let farewellSaid: Failure | null = null
  let listener: ((failure: Failure) => void) | null = null
  let turn: Promise<unknown> = Promise.resolve()

  const end = (why: PgFailure, ours: boolean) => {
    if (ended) return
    ended = why
    if (ours) return
    farewellSaid = failureOf(why)
    listener?.(farewellSaid)
  }
  const lost = (why: PgFailure) => {
    end(why, false)
    socket.destroy()
  }
  client.on('error', (error) => {
    // After its own complaint pg reports the closed socket once more; the first word is the telling
    // one.
    const why = failureFrom(error, to, 'closed')
    lost(fatal.test(why.sqlstate ?? '') ? farewell(why) : why)
  })
  answers.onExceeded = () => lost(pgFailure('error', tooLong('one question', answers.limit)))
  socket.on('close', () => end(pgFailure('closed', 'the server or the network closed the connection'), false))

  const put = async (question: Question): Promise<readonly Row[] | PgFailure> => {
    if (ended) return ended
    answers.restart()
    try {
      // Several statements in one text have several results (an array, which has no rows): nobody
      // here asks for them.
      const {rows} = await client.query<Record<string, unknown>>({...question})
      if (rows !== undefined && rows.length > answers.limit.rows) {
        lost(pgFailure('error', tooLong('one question', answers.limit)))
        return ended ?? []
      }
      return rows ?? []
    } catch (error) {
      const why = failureFrom(error, to, 'closed')
      if (why.sqlstate !== null && !fatal.test(why.sqlstate)) return why
      lost(why.sqlstate === null ? why : farewell(why))
      return ended ?? why
    }
  }

  return {
    backendPid,
    remoteAddress,
    async ask(question, signal) {
      const aborted = Promise.withResolvers<PgFailure>()
      const forget = onAbort(signal, () => {
        end(pgFailure('timeout', `${to.hostaddr ?? to.host} did not answer in time`), true)
        socket.destroy()
        aborted.resolve(ended as PgFailure)
      })
      const mine = turn.then(() => put(question))
      turn = mine
      const outcome = await Promise.race([aborted.promise, mine])
      forget()
      return outcome
    },
    onClosed(to) {
      listener = to
      if (farewellSaid) to(farewellSaid)
    },
    close() {
      if (!ended) socket.write(terminate)
      end(pgFailure('closed', 'we closed the connection'), true)
      // Flushes to the kernel, sends FIN (over TLS: close_notify before it), and is gone. Waits for
      // no peer.
      socket.destroySoon()
    },
  }
}

const farewell = (why: PgFailure): PgFailure => ({
  ...why,
  cause: 'closed',
  detail: `the server ended the session. ${why.detail}`,
})
