import {OperatorError} from '../../core/errors.ts'
import type {Word} from './vote.ts'

/** What came of one question: an answer, or why there is none (continues the name: "lb2 refuses connections"). */
export type Heard = Readonly<{word: Undated<Word>} | {trouble: string}>
type Undated<T> = T extends Word ? Omit<T, 'askedAt'> : never

/**
 * How one peer is asked. `ask` never rejects, and resolves soon after `signal` aborts, which it does after
 * `limitMs`. One question is under
 * way at a time; further ones wait for it. `close` ends the connection; the client may be used again.
 */
export interface PeerClient {
  ask(group: string, signal: AbortSignal, limitMs: number): Promise<Heard>
  close(): Promise<void>
}

/** Continues the name of a peer. `error`: of node, of undici, or a SyntaxError of a reader here. */
export function troubleOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'did not answer in time'
  // A file of the configuration: with its path.
  if (error instanceof OperatorError) return `cannot be asked: ${error.message}`
  const {code, message} = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'refuses connections'
  if (error instanceof SyntaxError && code === undefined) return `does not answer as a peer: ${message}`
  // The names of node's and OpenSSL's errors say more than their sentences, and hold no secret.
  return `cannot be asked (${code ?? (message || 'unknown error')})`
}
