import type {Socket} from 'node:net'
import type {Client} from 'pg'
import {isFailure} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {onAbort} from './abort.ts'
import {type AnswerMeter, meterAnswers, tooLong} from './answer-limit.ts'
import {type Dialled, dial} from './dial.ts'
import {failureFrom, type PgFailure, pgFailure} from './failure.ts'
import {readPassword} from './password.ts'
import type {Resolver} from './resolver.ts'
import {mayRetry, sslAttempts} from './ssl-attempts.ts'

/** Logged in: pg's client on a socket of ours. */
export type Login = Dialled & Readonly<{client: Client; backendPid: number; answers: AnswerMeter}>

/**
 * Dials and authenticates, in each manner that sslmode allows until one is let in. Never rejects;
 * an abort destroys the socket.
 */
export async function logIn(to: ConnectionSettings, names: Resolver, signal: AbortSignal): Promise<Login | PgFailure> {
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
