import type {Socket} from 'node:net'
import {causeOfSqlstate} from '../../core/facts/causes.ts'
import {type Clock, isFailure, type KnockAnswer} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {onAbort} from '../../core/wait.ts'
import {adviceOf} from './advice.ts'
import {dial} from './dial.ts'
import {failureOf, oneLine, type PgFailure, pgFailure} from './failure.ts'
import {type FirstReply, firstReply, startupMessage, terminate} from './protocol.ts'
import type {Resolver} from './resolver.ts'
import {sslAttempts} from './ssl-attempts.ts'

/**
 * Is the postmaster alive, and does it let sessions in? A new connection that goes as far as the
 * server's first word. Not SSLRequest alone: a server logs "could not receive data"/"incomplete
 * startup packet" for that. Seen silent in the log with log_connections off: a close in the middle
 * of an authentication, which the server takes for a client that has gone to ask for a password.
 */
export async function knock(
  to: ConnectionSettings,
  clock: Clock,
  names: Resolver,
  signal: AbortSignal,
): Promise<KnockAnswer> {
  // The first manner only: that an sslmode falls back is a matter of pg_hba.conf, and that was
  // asked by a living server.
  const [manner] = sslAttempts(to)
  const dialled = await dial(to, manner, false, names, signal)
  if (isFailure(dialled)) return {kind: 'failure', ...failureOf(dialled)}
  const {socket} = dialled
  const reply = await listen(socket, to, signal)
  if (isFailure(reply)) {
    socket.destroy()
    return {kind: 'failure', ...failureOf(reply)}
  }
  hangUp(socket, reply, clock)
  return answerOf(reply, to)
}

/**
 * `trust` and the like have let us in already, and our session gets a Terminate; in an
 * authentication that would be a protocol violation, and the end of the stream is the polite word.
 * The rest of what the server says is read: closing a socket with unread data is a reset, and
 * resets are logged. Over TLS, `end` sends close_notify first.
 */
function hangUp(socket: Socket, reply: FirstReply, clock: Clock): void {
  const forget = clock.after(1000, () => socket.destroy())
  socket.once('close', forget)
  socket.resume()
  if (reply.kind === 'authentication' && reply.ok) socket.write(terminate)
  socket.end()
}

function listen(socket: Socket, to: ConnectionSettings, signal: AbortSignal): Promise<FirstReply | PgFailure> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0)
    const settle = (outcome: FirstReply | PgFailure) => {
      forget()
      socket.off('data', read)
      resolve(outcome)
    }
    const read = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const reply = firstReply(bytes)
      if (reply) settle(reply)
    }
    const forget = onAbort(signal, () =>
      resolve(pgFailure('timeout', 'the postmaster accepts connections but does not answer')),
    )
    socket.on('data', read)
    socket.once('close', () => settle(pgFailure('closed', 'the server closed a new connection without a word')))
    const {user, dbname, applicationName, options} = to
    const parameters = {
      user,
      database: dbname,
      application_name: applicationName,
      ...(options === null ? {} : {options}),
    }
    socket.write(startupMessage(parameters))
  })
}

/**
 * Refused logins are still answers of a postmaster that lives and forks: no rights here (28xxx,
 * 42501), no such database (3D000), no slot left (53300: the session that we have shows the rest).
 * 57P03 is the one word by which a postmaster says that it lets nobody in. Any other error is told
 * as it is.
 */
const alive = /^(28|3D000|42501|53300)/

function answerOf(reply: FirstReply, to: ConnectionSettings): KnockAnswer {
  if (reply.kind === 'authentication') return {kind: 'fine'}
  if (reply.kind === 'alien')
    return {kind: 'failure', cause: 'error', detail: 'what answers there does not speak the PostgreSQL protocol'}
  const said = `PostgreSQL says: ${oneLine(reply.message)}${reply.sqlstate === null ? '' : ` (${reply.sqlstate})`}`
  if (reply.sqlstate === null) return {kind: 'failure', cause: 'error', detail: said}
  if (alive.test(reply.sqlstate)) return {kind: 'fine'}
  return {kind: 'failure', cause: causeOfSqlstate(reply.sqlstate), detail: adviceOf(reply.sqlstate, to, said)}
}
