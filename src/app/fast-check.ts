import {connect} from 'node:net'
import {anyQuestion, type CheckQuestion, haproxyQuestion, pathOf} from './check-question.ts'
import {guessSocket} from './daemon-socket.ts'
import {print} from './output.ts'

/** A daemon answers from memory, in a millisecond or two. One that takes this long is stopped or drowning. */
const patienceMs = 400

/** `absent`: nobody there, or somebody else. `silent`: somebody is there, and says nothing. `denied`: we may not ask. */
export type Miss = Readonly<{kind: 'absent' | 'silent' | 'denied'; place: string; why: string}>
/** The body of `GET /v1/check` as far as everybody needs it. */
export type Answered = Readonly<{exit: number; text?: string; error?: Readonly<{message: string; next: string}>}>
export const isMiss = (answer: Answered | Miss): answer is Miss => 'place' in answer

/** Where this process has asked in vain: the full command need not wait there again. */
const missed = new Map<string, Miss>()

/**
 * The check that HAProxy runs every second: a question to the daemon on its unix socket, before anything large is loaded. Only for a check without
 * flags. `null`: this is something else. Nothing but node:net may be imported here: node:http alone would cost as much as all the rest.
 */
export async function fastCheck(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<Answered | Miss | null> {
  const question = plainQuestion(args, env)
  if (question === null) return null
  const socket = guessSocket(env, cwd)
  if (socket === null) return null
  const ended = () => {
    print(1, `${question.server ?? question.address}: ended by SIGTERM before ${socket} answered`)
    process.exit(3)
  }
  process.once('SIGTERM', ended)
  const answer = await askSocket(socket, pathOf(question), patienceMs)
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

/** One question on a unix socket, in plain HTTP. Resolves within `limitMs`; never rejects. */
export function askSocket(path: string, target: string, limitMs: number): Promise<Answered | Miss> {
  const before = missed.get(path)
  if (before) return Promise.resolve(before)
  return new Promise((resolve) => {
    const socket = connect({path})
    const chunks: Buffer[] = []
    const miss = (kind: Miss['kind'], why: string) => {
      clearTimeout(timer)
      socket.destroy()
      missed.set(path, {kind, place: path, why})
      resolve({kind, place: path, why})
    }
    const timer = setTimeout(() => miss('silent', `no answer within ${Math.round(limitMs)} ms`), limitMs)
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // EAGAIN: so many wait there already that no further one fits.
      const kind = error.code === 'EACCES' ? 'denied' : error.code === 'EAGAIN' ? 'silent' : 'absent'
      miss(kind, error.code ?? error.message)
    })
    socket.on('end', () => {
      const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n', 2)
      const answer = head.startsWith('HTTP/1.1 ') ? parseAnswer(body) : null
      if (answer === null) return miss('absent', 'what answers there is not pgroute66')
      clearTimeout(timer)
      resolve(answer)
      socket.destroy()
    })
    // HTTP/1.0: an answer in one piece, and the end of the connection ends it.
    socket.write(`GET ${target} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n`)
  })
}

/** `null`: that is no answer to a check. */
export function parseAnswer(text: string): Answered | null {
  try {
    const body = JSON.parse(text) as Answered
    return Number.isInteger(body.exit) && (typeof body.text === 'string' || typeof body.error?.message === 'string') ? body : null
  } catch {
    return null
  }
}
