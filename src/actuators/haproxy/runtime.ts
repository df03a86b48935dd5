import {connect, type Socket} from 'node:net'

/** Where HAProxy's runtime API listens: a unix socket's path, or `host:port`. */
export type RuntimeAddress = string

/** One connection, for one push: a kept one would go on talking to the old worker after a reload. */
export interface Runtime extends Disposable {
  /** The reply, without its closing newlines. Rejects when the connection is lost or `signal` aborts. */
  ask(command: string): Promise<string>
}

const prompt = '\n> '

/** Connects and turns the prompt on, so that several commands share one connection, and so one worker (HAProxy 2.6 management guide, 9.3). */
export async function openRuntime(address: RuntimeAddress, signal: AbortSignal): Promise<Runtime> {
  const socket = connect(endpoint(address))
  const abort = () => socket.destroy(new Error('no answer in time'))
  signal.addEventListener('abort', abort, {once: true})
  socket.once('close', () => signal.removeEventListener('abort', abort))
  if (signal.aborted) abort()
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const ask = conversation(socket)
  await ask('prompt')
  return {ask, [Symbol.dispose]: () => socket.destroy()}
}

function endpoint(address: RuntimeAddress): {path: string} | {host: string; port: number} {
  if (address.startsWith('/')) return {path: address}
  const colon = address.lastIndexOf(':')
  return {host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1))}
}

function conversation(socket: Socket): (command: string) => Promise<string> {
  let heard = ''
  let waiting: {resolve: (reply: string) => void; reject: (error: Error) => void} | null = null
  let over: Error | null = null
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    heard += chunk
    if (waiting === null || !(heard.endsWith(prompt) || heard === '> ')) return
    const reply = heard.slice(0, heard === '> ' ? 0 : -prompt.length)
    heard = ''
    waiting.resolve(reply.trim())
    waiting = null
  })
  const end = (error: Error) => {
    over ??= error
    waiting?.reject(over)
    waiting = null
  }
  socket.on('error', end)
  socket.on('close', () => end(new Error('HAProxy closed the connection')))
  return (command) =>
    new Promise((resolve, reject) => {
      if (over) return reject(over)
      waiting = {resolve, reject}
      socket.write(`${command}\n`)
    })
}
