import type {Socket} from 'node:net'
import {causeOfSqlstate} from '../../core/facts/causes.ts'
import type {Failure} from '../../core/facts/observation.ts'
import {type Clock, isFailure, type KnockAnswer} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {onAbort} from '../../core/wait.ts'
import {adviceOf} from './advice.ts'
import type {Route} from './connection.ts'
import {dial} from './dial.ts'
import {failureOf, oneLine, type PgFailure, pgFailure} from './failure.ts'
import type {Patience} from './limits/patience.ts'
import {type FirstReply, firstReply, startupMessage, terminate} from './protocol.ts'
import {sslAttempts} from './ssl-attempts.ts'

/**
 * Is the postmaster alive, and does it accept sessions? Opens a new connection and reads the
 * server's first message. SSLRequest alone is not enough: the server logs "could not receive data"
 * or "incomplete startup packet" for it. A close during the authentication is not logged (seen with
 * log_connections off): the server takes it for a client that first asks its user for a password.
 */
export async function knock({to, resolve}: Pick<Route, 'to' | 'resolve'>, patience: Patience): Promise<KnockAnswer> {
  // The first attempt only: sslmode falls back because of pg_hba.conf, and a server that has looked
  // there is alive.
  const [attempt] = sslAttempts(to)
  const dialled = await dial({to, attempt, verify: false, resolve, patience})
  if (isFailure(dialled)) return {kind: 'failure', ...failureOf(dialled), remoteAddress: null}
  const {socket, remoteAddress} = dialled
  patience.begin('firstAnswer')
  const reply = await listen(socket, to, patience.signal)
  if (isFailure(reply)) {
    socket.destroy()
    return {kind: 'failure', ...failureOf(reply), remoteAddress}
  }
  hangUp(socket, reply, patience.clock)
  const failure = failureIn(reply, to)
  return failure === null ? {kind: 'fine', remoteAddress} : {kind: 'failure', ...failure, remoteAddress}
}

/**
 * After `trust` a session exists already, and gets Terminate. During an authentication Terminate
 * would be a protocol violation, so the stream just ends. The rest of the server's data is read:
 * closing a socket with unread data sends a reset, and the server logs resets. Over TLS, `end` sends
 * close_notify first.
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
    socket.once('close', () => settle(pgFailure('closed', 'the server closed a new connection without an answer')))
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
 * A refused login is still the answer of a postmaster that lives and forks: no right to log in
 * (28xxx, 42501), no such database (3D000), no slot left (53300: the open session shows the rest).
 * With 57P03 the postmaster says that it accepts no sessions. Any other error is a failure.
 */
const alive = /^(28|3D000|42501|53300)/

function failureIn(reply: FirstReply, to: ConnectionSettings): Failure | null {
  if (reply.kind === 'authentication') return null
  if (reply.kind === 'alien') return {cause: 'error', detail: 'the server does not speak the PostgreSQL protocol'}
  const said = `PostgreSQL says: ${oneLine(reply.message)}${reply.sqlstate === null ? '' : ` (${reply.sqlstate})`}`
  if (reply.sqlstate === null) return {cause: 'error', detail: said}
  if (alive.test(reply.sqlstate)) return null
  return {cause: causeOfSqlstate(reply.sqlstate), detail: adviceOf(reply.sqlstate, to, said)}
}
