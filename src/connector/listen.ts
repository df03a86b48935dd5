import type pg from 'pg'
import type {Clock} from '../core/ports.ts'
import {sleep} from '../core/wait.ts'
import type {Lease} from './lane.ts'
import {destroySocket} from './pools/routed-client.ts'

export type ListenDeps = Readonly<{
  clock: Clock
  /** A client of the writer. */
  lease: (signal: AbortSignal) => Promise<Lease>
  escapeIdentifier: (name: string) => string
}>

export type Listening = Readonly<{
  channel: string
  on: (payload: string) => void
  /** A session was lost, and another one listens: what came between was missed. */
  onGap: () => void
}>

/** Between two attempts to listen again. */
const pauseMs = 200

/**
 * Listens on the writer, and again on the next one when the session ends. Resolves once the server
 * listens; rejects where the first attempt fails. Disposing of it ends the session.
 */
export async function listen(deps: ListenDeps, listening: Listening): Promise<AsyncDisposable> {
  const stop = new AbortController()
  const first = await begin(deps, listening, stop.signal)
  const done = keepOn(deps, listening, {first, signal: stop.signal})
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await done
    },
  }
}

async function keepOn(
  deps: ListenDeps,
  listening: Listening,
  {first, signal}: Readonly<{first: Session; signal: AbortSignal}>,
): Promise<void> {
  let session = first
  for (;;) {
    await session.ended
    if (signal.aborted) return
    const next = await again(deps, listening, signal)
    if (next === null) return
    session = next
    call(listening.onGap)
  }
}

/** `null`: the listener was disposed of, or the connector closed. */
async function again(deps: ListenDeps, listening: Listening, signal: AbortSignal): Promise<Session | null> {
  while (!signal.aborted) {
    try {
      return await begin(deps, listening, signal)
    } catch (error) {
      if ((error as {kind?: unknown}).kind === 'closed') return null
      await sleep(deps.clock, pauseMs, signal)
    }
  }
  return null
}

/** `ended`: the session is over, and its client is back. Never rejects. */
type Session = Readonly<{ended: Promise<void>}>

async function begin({lease, escapeIdentifier}: ListenDeps, {channel, on}: Listening, signal: AbortSignal) {
  const {client} = await lease(signal)
  const heard = (told: pg.Notification) => {
    if (told.channel === channel) call(() => on(told.payload ?? ''))
  }
  const {promise: over, resolve} = Promise.withResolvers<void>()
  client.on('notification', heard)
  client.on('end', resolve)
  const cut = () => destroySocket(client)
  signal.addEventListener('abort', cut)
  const ended = over.then(() => {
    client.off('notification', heard)
    client.off('end', resolve)
    signal.removeEventListener('abort', cut)
    client.release(true)
  })
  try {
    await client.query(`listen ${escapeIdentifier(channel)}`)
  } catch (error) {
    cut()
    await ended
    throw error
  }
  return {ended}
}

/** What the application throws must not end the listening. */
function call(run: () => void): void {
  try {
    run()
  } catch (error) {
    process.emitWarning(`a listener of notifications threw: ${error instanceof Error ? error.message : String(error)}`)
  }
}
