import type {Failure} from '../../core/facts/observation.ts'
import {type Clock, isFailure} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {onAbort} from './abort.ts'
import {failureOf, type Refusal, refusal, refusalOf} from './failure.ts'
import {type Login, logIn} from './login.ts'
import {terminate} from './protocol.ts'
import {type Names, names} from './resolver.ts'

export type Question = {readonly name?: string; readonly text: string; readonly values?: unknown[]}
export type Row = Readonly<Record<string, unknown>>

/** One authenticated connection, and every way in which it can end, as values. */
export interface Line {
  readonly backendPid: number
  readonly remoteAddress: string | null
  /**
   * One question at a time; others wait their turn. Never rejects. An abort destroys the socket:
   * the answer would belong to nobody.
   */
  ask(question: Question, signal: AbortSignal): Promise<readonly Row[] | Refusal>
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
export type Route = Readonly<{to: ConnectionSettings; names: Names; lines: Set<Line>}>

export async function openLine({to, names, lines}: Route, signal: AbortSignal): Promise<Line | Refusal> {
  const login = await logIn(to, names, signal)
  if (isFailure(login)) return login
  const line = lineOf(login, to)
  lines.add(line)
  login.socket.once('close', () => lines.delete(line))
  return line
}

/** Opens lines that no driver counts, such as those to PgBouncer's admin console. */
export function lineOpener(clock: Clock): (to: ConnectionSettings, signal: AbortSignal) => Promise<Line | Refusal> {
  const lookup = names(clock)
  return (to, signal) => openLine({to, names: lookup, lines: new Set()}, signal)
}

/**
 * After these the server closes the connection; it is over when they are read, not when the
 * socket's end is seen.
 */
const fatal = /^(57P0|25P03)/

function lineOf({client, socket, backendPid, remoteAddress}: Login, to: ConnectionSettings): Line {
  let ended: Refusal | null = null
  // Kept for a listener that comes after the end: it must not wait for an event that is over.
  let farewellSaid: Failure | null = null
  let listener: ((failure: Failure) => void) | null = null
  let turn: Promise<unknown> = Promise.resolve()

  const end = (why: Refusal, ours: boolean) => {
    if (ended) return
    ended = why
    if (ours) return
    farewellSaid = failureOf(why)
    listener?.(farewellSaid)
  }
  const lost = (why: Refusal) => {
    end(why, false)
    socket.destroy()
  }
  client.on('error', (error) => {
    // After its own complaint pg reports the closed socket once more; the first word is the telling
    // one.
    const why = refusalOf(error, to, 'closed')
    lost(fatal.test(why.sqlstate ?? '') ? farewell(why) : why)
  })
  socket.on('close', () => end(refusal('closed', 'the server or the network closed the connection'), false))

  const put = async (question: Question): Promise<readonly Row[] | Refusal> => {
    if (ended) return ended
    try {
      // Several statements in one text have several results (an array, which has no rows): nobody
      // here asks for them.
      const {rows} = await client.query<Record<string, unknown>>({...question})
      return rows ?? []
    } catch (error) {
      const why = refusalOf(error, to, 'closed')
      if (why.sqlstate !== null && !fatal.test(why.sqlstate)) return why
      lost(why.sqlstate === null ? why : farewell(why))
      return ended ?? why
    }
  }

  return {
    backendPid,
    remoteAddress,
    async ask(question, signal) {
      const aborted = Promise.withResolvers<Refusal>()
      const forget = onAbort(signal, () => {
        end(refusal('timeout', `${to.hostaddr ?? to.host} did not answer in time`), true)
        socket.destroy()
        aborted.resolve(ended as Refusal)
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
      end(refusal('closed', 'we closed the connection'), true)
      // Flushes to the kernel, sends FIN (over TLS: close_notify before it), and is gone. Waits for
      // no peer.
      socket.destroySoon()
    },
  }
}

const farewell = (why: Refusal): Refusal => ({
  ...why,
  cause: 'closed',
  detail: `the server ended the session. ${why.detail}`,
})
