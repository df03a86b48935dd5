import type {Socket} from 'node:net'
import type {Client} from 'pg'
import {isFailure} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {onAbort} from '../../core/wait.ts'
import {type AnswerMeter, meterAnswers, tooLong} from './answer-limit.ts'
import {type Dialled, dial} from './dial.ts'
import {failureFrom, type PgFailure, pgFailure} from './failure.ts'
import {readPassword} from './password.ts'
import type {Resolver} from './resolver.ts'
import {mayRetry, sslAttempts} from './ssl-attempts.ts'

/** Logged in: pg's client on a socket of ours. */
export type Login = Dialled & Readonly<{client: Client; backendPid: number; answers: AnswerMeter}>

/**
 * What a session of ours begins with, before its first statement and after the operator's own
 * options, so that no default of the role, the database or the server changes our questions. (Seen:
 * a serializable, deferrable default made a healthy primary time out behind another transaction; a
 * function in the role's search_path made PostgreSQL look like a pooler.) A parameter that only
 * newer versions know would end the login: set_config sets those.
 */
const ownOptions = [
  'default_transaction_isolation=read\\ committed',
  'default_transaction_deferrable=off',
  'search_path=pg_catalog',
  'statement_timeout=0',
  'lock_timeout=0',
  'idle_in_transaction_session_timeout=0',
]
  .map((option) => `-c ${option}`)
  .join(' ')

/** protocol_violation: a pooler refuses a startup parameter that it does not know. */
const unknownParameter = '08P01'

/**
 * `ours`: a session on PostgreSQL, where our questions are asked. `bare`: with the operator's
 * options alone, for PgBouncer's admin console.
 */
export type SessionKind = 'ours' | 'bare'

/** Opens a connection and logs in. Never rejects; an abort destroys the socket. */
export async function logIn(
  to: ConnectionSettings,
  names: Resolver,
  signal: AbortSignal,
  kind: SessionKind,
): Promise<Login | PgFailure> {
  if (kind === 'bare') return await logInTo(to, names, signal)
  const options = to.options === null ? ownOptions : `${to.options} ${ownOptions}`
  const outcome = await logInTo({...to, options}, names, signal)
  // Once more without options, so that the session's facts can tell a pooler for what it is.
  const isRefused = isFailure(outcome) && outcome.sqlstate === unknownParameter && !signal.aborted
  return isRefused ? await logInTo(to, names, signal) : outcome
}

/** Tries each manner that sslmode allows until the server lets one in. */
async function logInTo(to: ConnectionSettings, names: Resolver, signal: AbortSignal): Promise<Login | PgFailure> {
  const [first, ...others] = sslAttempts(to)
  let manner = first
  let outcome = await attempt(to, manner, names, signal)
  for (const next of others) {
    if (!isFailure(outcome) || !mayRetry(outcome, manner) || signal.aborted) break
    const second = await attempt(to, next, names, signal)
    // What the preferred manner met is the more telling one of two failures - except where only the
    // fall-back got as far as a login.
    if (!isFailure(second) || outcome.cause === 'tls') outcome = second
    manner = next
  }
  return outcome
}

async function attempt(
  to: ConnectionSettings,
  manner: ReturnType<typeof sslAttempts>[number],
  names: Resolver,
  signal: AbortSignal,
) {
  const dialled = await dial(to, manner, true, names, signal, () => void import('pg').catch(() => {}))
  return isFailure(dialled) ? dialled : authenticate(to, dialled, signal)
}

/**
 * Without the errno of its origin: a password file that is not there (ENOENT) must not pass for a
 * host that refuses.
 */
async function passwordOf(to: ConnectionSettings): Promise<string> {
  const password = await readPassword(to.password).catch((error: unknown) => {
    throw new Error(
      `the password of user "${to.user}" cannot be read: ${error instanceof Error ? error.message : 'unknown error'}`,
    )
  })
  if (password === null) throw new Error(`the server asks for a password of user "${to.user}", and none is configured`)
  return password
}

async function authenticate(to: ConnectionSettings, dialled: Dialled, signal: AbortSignal): Promise<Login | PgFailure> {
  const {socket} = dialled
  const answers = meterAnswers(socket)
  let isTooLong = false
  answers.onExceeded = () => {
    isTooLong = true
  }
  let timedOut = false
  const forget = onAbort(signal, () => {
    timedOut = true
    socket.destroy()
  })
  try {
    // Loaded once there is somebody to talk to, while the server forks or encrypts: a check of
    // three hosts is 10 ms quicker for it.
    const {Client} = await import('pg')
    const client = new Client({
      user: to.user,
      database: to.dbname,
      // Asked for only when the server wants one. A function, because pg would read .pgpass by
      // itself for a missing one.
      password: () => passwordOf(to),
      application_name: to.applicationName,
      ...(to.options === null ? {} : {options: to.options}),
      // Both are settled by now; PGSSLMODE and PGSSLNEGOTIATION of our environment must not
      // unsettle them.
      ssl: false,
      sslnegotiation: 'postgres',
      stream: () => connected(socket),
    })
    // pg emits 'error' on an idle client whenever the session ends; without a listener that would
    // end this process.
    client.on('error', () => undefined)
    if (socket.destroyed) throw new Error('closed')
    await client.connect()
    // Not in pg's types: what BackendKeyData said.
    return {...dialled, answers, client, backendPid: (client as unknown as {processID: number}).processID}
  } catch (error) {
    // pg's text for it ("terminated unexpectedly") is not a contract; the state of the socket is a
    // fact.
    const gone = socket.destroyed || socket.readableEnded
    socket.destroy()
    if (isTooLong) return pgFailure('error', tooLong('the login', answers.limit))
    if (timedOut)
      return pgFailure('timeout', `${to.hostaddr ?? to.host} accepts connections but did not finish the login in time`)
    if (gone && !(error instanceof Error && 'code' in error))
      return pgFailure('closed', 'the server closed the connection during the login')
    // Whatever else pg complains of at this point (no password, SCRAM signatures, an unknown
    // method) concerns the login.
    return failureFrom(error, to, 'auth')
  } finally {
    forget()
  }
}

/** pg insists on connecting by itself: our socket, already connected, says at once that it is. */
function connected(socket: Socket): Socket {
  socket.connect = () => {
    queueMicrotask(() => socket.emit('connect'))
    return socket
  }
  return socket
}
