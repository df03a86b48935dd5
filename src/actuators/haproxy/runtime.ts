import {connect, type Socket} from 'node:net'
import {onAbort} from '../../core/wait.ts'

/** Where HAProxy's runtime API listens: a unix socket's path, or `host:port`. */
export type RuntimeAddress = string

/**
 * One connection, for one pass: after a reload, a connection that was kept would still reach the old
 * worker.
 */
export interface Runtime extends Disposable {
  /**
   * The reply, without its closing newlines. Several commands share the connection. Rejects when the
   * connection is lost or the signal aborts.
   */
  ask(command: string): Promise<string>
  /** As `ask`, as the only command of the connection, which ends with the reply. */
  askLast(command: string): Promise<string>
}

const prompt = '\n> '

/** Connects. Rejects with what the operator should look at. */
export async function openRuntime(address: RuntimeAddress, signal: AbortSignal): Promise<Runtime> {
  const socket = connect(endpoint(address))
  const abort = () =>
    socket.destroy(new Error(`${address} did not answer in time: is HAProxy running there, and not suspended?`))
  socket.once('close', onAbort(signal, abort))
  await new Promise<void>((resolve, reject) =>
    socket
      .once('connect', resolve)
      .once('error', (error: NodeJS.ErrnoException) => reject(unreachable(address, error))),
  )
  const {ask, rest} = conversation(socket)
  let begun: Promise<string> | null = null
  return {
    async ask(command) {
      // With the prompt on, several commands share one connection, and so one worker (HAProxy 2.6
      // management guide, 9.3 "prompt").
      begun ??= ask('prompt')
      await begun
      return ask(command)
    },
    askLast(command) {
      // The master keeps the connection open for as long as the client keeps its half open.
      socket.end(`${command}\n`)
      return rest
    },
    [Symbol.dispose]: () => socket.destroy(),
  }
}

function unreachable(address: RuntimeAddress, error: NodeJS.ErrnoException): Error {
  const next: Readonly<Record<string, string>> = {
    ENOENT: 'does not exist: is HAProxy running, and does its configuration have a "stats socket" with this path?',
    ECONNREFUSED: 'refuses connections (ECONNREFUSED): is HAProxy running?',
    EACCES: 'may not be opened by this user: give "stats socket" a group of this user, and "mode 660"',
  }
  return new Error(`${address} ${next[error.code ?? ''] ?? `cannot be reached (${error.code ?? error.message})`}`, {
    cause: error,
  })
}

function endpoint(address: RuntimeAddress): {path: string} | {host: string; port: number} {
  if (address.startsWith('/')) return {path: address}
  const colon = address.lastIndexOf(':')
  return {host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1))}
}

function conversation(socket: Socket): Readonly<{ask: (command: string) => Promise<string>; rest: Promise<string>}> {
  let received = ''
  let waiting: {resolve: (reply: string) => void; reject: (error: Error) => void} | null = null
  let over: Error | null = null
  const rest = Promise.withResolvers<string>()
  // Most callers do not wait for it.
  rest.promise.catch(() => {})
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    received += chunk
    if (waiting === null || !(received.endsWith(prompt) || received === '> ')) return
    const reply = received.slice(0, received === '> ' ? 0 : -prompt.length)
    received = ''
    waiting.resolve(reply.trim())
    waiting = null
  })
  const end = (error: Error) => {
    over ??= error
    waiting?.reject(over)
    waiting = null
    rest.reject(over)
  }
  socket.on('error', end)
  // A command that worked is answered by an empty line: no byte at all is no answer.
  socket.on('end', () =>
    received === ''
      ? rest.reject(new Error('HAProxy closed the connection without an answer'))
      : rest.resolve(received.trim()),
  )
  socket.on('close', () => end(new Error('HAProxy closed the connection before it answered')))
  const ask = (command: string) =>
    new Promise<string>((resolve, reject) => {
      if (over) return reject(over)
      waiting = {resolve, reject}
      socket.write(`${command}\n`)
    })
  return {ask, rest: rest.promise}
}
