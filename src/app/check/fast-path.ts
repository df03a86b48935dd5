import {accessSync, constants} from 'node:fs'
import {getUnix} from '../../sources/daemon/get-unix.ts'
import {guessSocket} from '../../sources/daemon/socket-path.ts'
import {print} from '../cli/print.ts'
import {anyQuestion, type CheckQuestion, haproxyQuestion, pathOf} from './question.ts'

/**
 * A daemon answers from memory, in a millisecond or two. One that takes this long is stopped or
 * drowning.
 */
const timeoutMs = 400

/**
 * `absent`: nobody there, or somebody else. `silent`: somebody is there, and says nothing.
 * `denied`: we may not ask.
 */
export type Miss = Readonly<{kind: 'absent' | 'silent' | 'denied'; place: string; why: string}>
/** The body of `GET /v1/check` as far as everybody needs it. */
export type Answered = Readonly<{exit: number; text?: string; error?: Readonly<{message: string; next: string}>}>
export const isMiss = (answer: Answered | Miss): answer is Miss => 'place' in answer

/**
 * Where this process has asked in vain: the full command need not wait there again, unless it wants
 * to wait longer.
 */
const missed = new Map<string, Miss>()

/**
 * The check that HAProxy runs every second: a question to the daemon on its unix socket, before
 * anything large is loaded. Only for a check without flags. `null`: this is something else. Nothing
 * but node:net may be imported here: node:http alone would cost as much as all the rest.
 */
export async function fastCheck(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
): Promise<Answered | Miss | null> {
  const question = plainQuestion(args, env)
  if (question === null) return null
  const socket = guessSocket(env, cwd)
  if (socket === null) return null
  const ended = () => {
    print(1, `${question.server ?? question.address}: ended by SIGTERM before ${socket} answered`)
    process.exit(3)
  }
  process.once('SIGTERM', ended)
  const answer = await askSocket(socket, pathOf(question), timeoutMs)
  process.off('SIGTERM', ended)
  return answer
}

/** `--role` is taken where the name that we were called by has put it. */
function plainQuestion([command, ...rest]: readonly string[], env: NodeJS.ProcessEnv): CheckQuestion | null {
  if (command !== 'check') return null
  const [flag, value = ''] = rest
  const role = flag === '--role' && /^(primary|standby|read-only|any)$/.test(value) ? value : null
  const words = role === null ? rest : rest.slice(2)
  const [server = ''] = words
  return (
    haproxyQuestion(words, env, role) ??
    (words.length === 1 && /^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,62}$/.test(server) ? {...anyQuestion, server, role} : null)
  )
}

/** One question to the daemon on its unix socket. Resolves within `limitMs`; never rejects. */
export async function askSocket(path: string, target: string, limitMs: number): Promise<Answered | Miss> {
  const before = missed.get(path)
  if (before && (before.kind !== 'silent' || limitMs <= timeoutMs)) return before
  const reply = await getUnix(path, target, limitMs)
  const answer = typeof reply === 'object' && parseAnswer(reply.body)
  if (answer) return answer
  const miss: Miss =
    reply === 'silent' ? {kind: 'silent', place: path, why: `no answer within ${limitMs} ms`} : missAt(path)
  missed.set(path, miss)
  return miss
}

/** Looked up afterwards: while all is well nobody wants to know. */
function missAt(path: string): Miss {
  try {
    accessSync(path, constants.W_OK)
    return {kind: 'absent', place: path, why: 'nobody answers there, or somebody who is not pgroute66'}
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    return {kind: code === 'EACCES' ? 'denied' : 'absent', place: path, why: code ?? 'it cannot be opened'}
  }
}

/** `null`: that is no answer to a check. */
export function parseAnswer(text: string): Answered | null {
  try {
    const body = JSON.parse(text) as Answered
    return Number.isInteger(body.exit) && (typeof body.text === 'string' || typeof body.error?.message === 'string')
      ? body
      : null
  } catch {
    return null
  }
}
