import type {Socket} from 'node:net'
import type {TLSSocket} from 'node:tls'
import type {Client} from 'pg'
import {isFailure} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {onAbort} from '../../core/wait.ts'
import {authenticationGate, isLoopback} from './authentication/gate.ts'
import {type Guard, guard, watchReads} from './authentication/guarded.ts'
import {type Dialled, dial} from './dial.ts'
import {failureFrom, type PgFailure, pgFailure} from './failure.ts'
import {type AnswerMeter, meterAnswers, tooLong} from './limits/answer-limit.ts'
import type {Patience} from './limits/patience.ts'
import {readPassword} from './password.ts'
import type {Resolver} from './resolver.ts'
import {mayRetry, type SslAttempt, sslAttempts} from './ssl-attempts.ts'

/** A login: pg's client on the socket that `dial` opened. */
export type Login = Dialled & Readonly<{client: Client; backendPid: number; answers: AnswerMeter; isMd5: boolean}>

/**
 * Options of every session on PostgreSQL. They come after the operator's own options and before the
 * first statement, so that no default of the role, the database or the server changes a question.
 * (Seen: a serializable, deferrable default made a healthy primary time out behind another
 * transaction; a function in the role's search_path made PostgreSQL look like a pooler; a role set by
 * ALTER ROLE … SET role lacked pg_read_all_stats.) A parameter
 * that only newer versions know would end the login: set_config sets such parameters.
 */
const ownOptions = [
  'default_transaction_isolation=read\\ committed',
  'default_transaction_deferrable=off',
  'search_path=pg_catalog',
  'role=none',
  'statement_timeout=0',
  'lock_timeout=0',
  'idle_in_transaction_session_timeout=0',
]
  .map((option) => `-c ${option}`)
  .join(' ')

/** protocol_violation: a pooler refuses a startup parameter that it does not know. */
const unknownParameter = '08P01'

/**
 * `ours`: a session on PostgreSQL, with `ownOptions`. `bare`: with the operator's options alone, for
 * PgBouncer's admin console.
 */
export type SessionKind = 'ours' | 'bare'

/** Opens a connection and logs in. Never rejects; an abort destroys the socket. */
export async function logIn(
  to: ConnectionSettings,
  resolve: Resolver,
  patience: Patience,
  kind: SessionKind,
): Promise<Login | PgFailure> {
  if (kind === 'bare') return await logInTo(to, resolve, patience)
  const options = to.options === null ? ownOptions : `${to.options} ${ownOptions}`
  const outcome = await logInTo({...to, options}, resolve, patience)
  // Once more without options: then the session's facts show that the server is a pooler.
  const isRefused = isFailure(outcome) && outcome.sqlstate === unknownParameter && !patience.signal.aborted
  return isRefused ? await logInTo(to, resolve, patience) : outcome
}

/** A login by SCRAM has four answers; a server that sends more has no more time. */
const mostMessages = 8

/** Makes the attempts that sslmode allows until the server accepts one. */
async function logInTo(to: ConnectionSettings, resolve: Resolver, patience: Patience): Promise<Login | PgFailure> {
  const [first, ...others] = sslAttempts(to)
  const tryOnce = (attempt: SslAttempt) => attemptLogin(to, attempt, resolve, patience)
  let latest = first
  let outcome = await tryOnce(first)
  for (const next of others) {
    if (!isFailure(outcome) || !mayRetry(outcome, latest) || patience.signal.aborted) break
    const second = await tryOnce(next)
    // Of two failures the first attempt's tells more. But after a `tls` failure only the second
    // attempt got as far as a login.
    if (!isFailure(second) || outcome.cause === 'tls') outcome = second
    latest = next
  }
  return outcome
}

async function attemptLogin(to: ConnectionSettings, attempt: SslAttempt, resolve: Resolver, patience: Patience) {
  const meanwhile = () => void import('pg').catch(() => {})
  const dialled = await dial({to, attempt, verify: true, resolve, patience, meanwhile})
  return isFailure(dialled) ? dialled : authenticate(to, dialled, patience)
}

/**
 * Throws a new error without the errno of the original: a missing password file (ENOENT) must not
 * look like a host that refuses connections.
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

async function authenticate(to: ConnectionSettings, dialled: Dialled, patience: Patience): Promise<Login | PgFailure> {
  const {socket} = dialled
  const isEncrypted = (socket as TLSSocket).encrypted === true
  const gate = authenticationGate(to, {isEncrypted, isLocal: isLoopback(dialled.remoteAddress)})
  let guarded: Guard = {refusal: null, isAlien: false}
  const answers = meterAnswers(socket)
  let isTooLong = false
  answers.onExceeded = () => {
    isTooLong = true
  }
  let timedOut = false
  patience.begin('login')
  let messages = 0
  // The limit is for one answer of the server. What this process computes between two of them takes
  // long on a busy machine, and is no fault of the server.
  const heard = () => {
    messages += 1
    if (messages < mostMessages) patience.begin('login')
  }
  socket.on('data', heard)
  const forget = onAbort(patience.signal, () => {
    timedOut = true
    socket.destroy()
  })
  try {
    // Loaded once a server has answered, while the server forks or encrypts: this makes a check of
    // three hosts 10 ms quicker.
    const {Client} = await import('pg')
    const client = new Client({
      user: to.user,
      database: to.dbname,
      // Called only when the server asks for a password. A function, because pg reads .pgpass by
      // itself if the password is missing.
      password: () => passwordOf(to),
      application_name: to.applicationName,
      ...(to.options === null ? {} : {options: to.options}),
      // `dial` has settled both. Set here, because pg would read PGSSLMODE and PGSSLNEGOTIATION.
      ssl: false,
      sslnegotiation: 'postgres',
      enableChannelBinding: isEncrypted && to.channelBinding !== 'disable',
      stream: () => connected(socket),
    })
    // pg emits 'error' on an idle client whenever the session ends; without a listener this process
    // would end.
    client.on('error', () => undefined)
    if (socket.destroyed) throw new Error('closed')
    guarded = guard(client, gate)
    const own = new Set(socket.listeners('data'))
    const connecting = client.connect()
    watchReads(client, socket, (listener) => own.has(listener as () => void), guarded)
    await connecting
    if (guarded.refusal !== null) throw new Error(guarded.refusal)
    // `processID` is not in pg's types: the pid in BackendKeyData.
    const backendPid = (client as unknown as {processID: number}).processID
    return {...dialled, answers, client, backendPid, isMd5: gate.isMd5}
  } catch (error) {
    // pg's text ("terminated unexpectedly") is not a contract, so the socket's state decides.
    const gone = socket.destroyed || socket.readableEnded
    socket.destroy()
    if (isTooLong) return pgFailure('error', tooLong('the login', answers.limit))
    if (timedOut)
      return pgFailure('timeout', `${to.hostaddr ?? to.host} accepts connections but did not finish the login in time`)
    if (guarded.refusal !== null) return pgFailure('auth', guarded.refusal)
    if (guarded.isAlien) return pgFailure('error', 'the server does not speak the PostgreSQL protocol')
    if (gone && !(error instanceof Error && 'code' in error))
      return pgFailure('closed', 'the server closed the connection during the login')
    // Any other error of pg at this point (no password, SCRAM signatures, an unknown method) is
    // about the login.
    return failureFrom(error, to, 'auth')
  } finally {
    forget()
    socket.off('data', heard)
  }
}

/** pg calls `connect` by itself. This socket is connected already and reports that at once. */
function connected(socket: Socket): Socket {
  socket.connect = () => {
    queueMicrotask(() => socket.emit('connect'))
    return socket
  }
  return socket
}
