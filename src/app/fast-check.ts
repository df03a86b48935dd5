import {connect} from 'node:net'
import {anyQuestion, type CheckQuestion, haproxyQuestion, pathOf} from './check-question.ts'
import {guessSocket} from './daemon-socket.ts'

/** A daemon answers from memory, in a millisecond or two. One that takes this long is stopped or drowning. */
const patienceMs = 400

/** `absent`: nobody there. `silent`: somebody is there, and says nothing. */
export type Miss = Readonly<{kind: 'absent' | 'silent' | 'denied'; socket: string; why: string}>
export type CheckAnswer = Readonly<{exit: number; text?: string; error?: Readonly<{message: string; next: string}>}>

/**
 * The check that HAProxy runs every second: a question to the daemon on its unix socket, before anything large is loaded. Only for a check without
 * flags. `null`: this is something else. Nothing but node:net may be imported here: node:http alone would cost as much as all the rest.
 */
export async function fastCheck(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<CheckAnswer | Miss | null> {
  const question = plainQuestion(args, env)
  if (question === null) return null
  const socket = guessSocket(env, cwd)
  return socket === null ? null : askSocket(socket, pathOf(question))
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

function askSocket(path: string, target: string): Promise<CheckAnswer | Miss> {
  return new Promise((resolve) => {
    const socket = connect({path})
    const chunks: Buffer[] = []
    const miss = (kind: Miss['kind'], why: string) => {
      socket.destroy()
      resolve({kind, socket: path, why})
    }
    const timer = setTimeout(() => miss('silent', `no answer within ${patienceMs} ms`), patienceMs)
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      miss(error.code === 'EACCES' ? 'denied' : 'absent', error.code ?? error.message)
    })
    socket.on('end', () => {
      clearTimeout(timer)
      const answer = readAnswer(Buffer.concat(chunks).toString())
      if (answer === null) miss('absent', 'what answers there is not pgroute66')
      else resolve(answer)
      socket.destroy()
    })
    socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n\r\n`)
  })
}

/** The answer in a whole HTTP response whose length is given or ended by its close; `null`: that is no answer to a check. */
function readAnswer(response: string): CheckAnswer | null {
  const end = response.indexOf('\r\n\r\n')
  if (end < 0 || !response.startsWith('HTTP/1.1 ')) return null
  try {
    const body = JSON.parse(response.slice(end + 4)) as CheckAnswer
    return Number.isInteger(body.exit) && (typeof body.text === 'string' || typeof body.error?.message === 'string') ? body : null
  } catch {
    return null
  }
}
