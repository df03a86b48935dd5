import {accessSync, constants} from 'node:fs'
import {getUnix, type Reply} from '../../sources/daemon/get-unix.ts'
import {guessSocket, hasConfig} from '../../sources/daemon/socket-path.ts'
import {print} from '../cli/print.ts'
import {
  type CheckArguments,
  type CheckQuestion,
  haproxyQuestion,
  pathOf,
  questionAbout,
  serverMeant,
} from './arguments.ts'

/**
 * A daemon answers from memory, in a millisecond or two. A daemon that takes this long is stopped
 * or overloaded.
 */
export const socketTimeoutMs = 400

/**
 * Why one endpoint gave no answer. `absent`: no process listens there, or the process is not
 * pgroute66. `silent`: a process accepts the connection and does not answer in time. `denied`: this
 * user may not open the socket. `strange`: the daemon there does not watch the hosts that are meant.
 */
export type Miss = Readonly<{kind: 'absent' | 'silent' | 'denied' | 'strange'; endpoint: string; why: string}>
/** The fields of `GET /v1/check` that every answer has. */
export type DaemonAnswer = Readonly<{
  exit: number
  text?: string
  /** Has the daemon compared its hosts with those that are meant? Absent: an older daemon. */
  recognised?: boolean
  error?: Readonly<{message: string; next: string}>
}>
export const isMiss = (answer: DaemonAnswer | Miss): answer is Miss => 'endpoint' in answer

/**
 * The check that HAProxy runs every second: one question to the daemon on its unix socket, before
 * anything large is loaded. Only for a check without flags other than --role. HAProxy's arguments
 * say which server is meant. For a HOST and for the group the configuration says it, so the fast path
 * is for a user who has none. `null`: the full command has to do it. Of node's own modules this loads node:net
 * alone: node:http would cost as much as all the rest.
 */
export async function askFast(
  given: CheckArguments,
  env: NodeJS.ProcessEnv,
  cwd: string,
): Promise<DaemonAnswer | Miss | null> {
  const question = fastQuestion(given, env)
  if (question === null) return null
  const meant = serverMeant(question)
  if (meant.length === 0 && hasConfig(env, cwd)) return null
  const socket = guessSocket(env, cwd)
  if (socket === null) return null
  const end = () => {
    print(1, `${question.server ?? question.address ?? 'check'}: ended by SIGTERM before ${socket} answered`)
    process.exit(3)
  }
  process.once('SIGTERM', end)
  const answer = await askSocket(socket, pathOf(question, meant), socketTimeoutMs)
  process.off('SIGTERM', end)
  tellOlder(answer, meant, socket)
  return answer
}

function fastQuestion(given: CheckArguments, env: NodeJS.ProcessEnv): CheckQuestion | null {
  const {words, flags} = given
  for (const flag in flags) if (flag !== 'role') return null
  const [server = ''] = words
  const isHostName = words.length === 1 && /^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,62}$/.test(server)
  if (words.length === 0) return questionAbout(null, flags)
  return haproxyQuestion(given, env) ?? (isHostName ? questionAbout(server, flags) : null)
}

/** One question to the daemon on its unix socket. Resolves within `timeoutMs`; never rejects. */
export async function askSocket(path: string, target: string, timeoutMs: number): Promise<DaemonAnswer | Miss> {
  const reply = await getUnix(path, target, timeoutMs)
  if (reply === 'silent') return {kind: 'silent', endpoint: path, why: `no answer within ${timeoutMs} ms`}
  return (reply !== 'absent' && answerIn(reply, path)) || missAt(path)
}

/** `null`: the reply is no answer to a check. */
export function answerIn({status, body}: Reply, endpoint: string): DaemonAnswer | Miss | null {
  const answer = parsed(body)
  if (status === 421 && answer?.code === 'NOT_MY_HOSTS')
    return {kind: 'strange', endpoint, why: answer.detail ?? 'this daemon watches other hosts'}
  const {exit, text, error} = answer ?? {}
  return answer && Number.isInteger(exit) && (typeof text === 'string' || typeof error?.message === 'string')
    ? answer
    : null
}

/** An older daemon ignores which hosts are meant. It may be another cluster's, which must be said. */
export function tellOlder(answer: DaemonAnswer | Miss, [host]: readonly string[], endpoint: string): void {
  if (host === undefined || isMiss(answer) || answer.recognised !== undefined) return
  print(
    2,
    `pgroute66: the daemon at ${endpoint} is older and cannot tell whether it watches ${host}: upgrade the daemon`,
  )
}

/** Looks only after a miss: an access check before every question would cost time for nothing. */
function missAt(path: string): Miss {
  try {
    accessSync(path, constants.W_OK)
    return {kind: 'absent', endpoint: path, why: 'no process answers there, or the process is not pgroute66'}
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    return {kind: code === 'EACCES' ? 'denied' : 'absent', endpoint: path, why: code ?? 'the socket cannot be opened'}
  }
}

/** `null`: the text is no JSON. `code` and `detail`: of a problem. */
function parsed(text: string): (DaemonAnswer & Readonly<{code?: string; detail?: string}>) | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
