import {resolve} from 'node:path'
import type {Config} from '../../config/config.ts'
import {isWithoutFile} from '../../config/config-file.ts'
import {loadConfig} from '../../config/load.ts'
import {OperatorError} from '../../core/errors.ts'
import {usualSocket} from '../../sources/daemon/socket-path.ts'
import type {CheckBody} from './answer.ts'
import {pathOf} from './arguments.ts'
import type {CheckDeadline} from './deadline.ts'
import {askSocket, type DaemonAnswer, isMiss, type Miss, socketTimeoutMs, tellOlder} from './fast-path.ts'
import {hostsMeant} from './meant.ts'
import type {CheckRequest} from './request.ts'

export type CheckDeps = Readonly<{
  env: NodeJS.ProcessEnv
  cwd: string
  version: string
  /** The endpoint that the fast path has asked in vain. */
  missed: Miss | null
  deadline: CheckDeadline
}>

/**
 * What the daemon answered; or why no endpoint did, with the configuration for asking the servers
 * (OperatorError: this user has none).
 */
export type Asked = Readonly<{answer: CheckBody} | {misses: readonly Miss[]; config: Config | OperatorError}>

/**
 * Asks a running daemon (DESIGN 6.1): on its unix socket, then on its port. Any answer of the
 * daemon is final. Throws OperatorError.
 */
export async function ask(request: CheckRequest, deps: CheckDeps): Promise<Asked> {
  if (!request.mayAskDaemon) return {misses: [], config: await readConfig(request, deps)}
  const {cwd, missed, deadline} = deps
  const config = await readConfigIfAny(request, deps)
  const readable = config instanceof OperatorError ? null : config
  const meant = hostsMeant(readable, request.question)
  const path = pathOf(request.question, meant)
  const socket = request.socket === null ? (readable?.socket ?? usualSocket) : resolve(cwd, request.socket)
  // A daemon that does not know HAProxy's address of a server may know the configured ones.
  const isAskedAlready = missed?.endpoint === socket && (missed.kind !== 'strange' || readable === null)
  const first = isAskedAlready ? missed : await askSocket(socket, path, timeoutOf(deadline))
  tellOlder(first, meant, socket)
  if (!isMiss(first)) return {answer: bodyOf(first)}

  // A silent daemon would be silent on its port too. Where there is nothing else to ask, the rest
  // of the time goes to it: a daemon that starts behind a socket of systemd's answers late.
  if (readable === null && (first.kind === 'silent' || (first.kind === 'absent' && isHaproxys(request)))) {
    const late = await askLonger(socket, path, first, deadline)
    return isMiss(late) ? {misses: [late], config} : {answer: bodyOf(late)}
  }
  if (readable === null || first.kind === 'silent') return {misses: [first], config}
  // Loaded here: HTTP and TLS cost a check that asks the servers more than the servers do.
  const {askPort} = await import('./port.ts')
  const second = await askPort(readable, path, timeoutOf(deadline))
  tellOlder(second, meant, `port ${readable.port}`)
  return isMiss(second) ? {misses: [first, second], config} : {answer: bodyOf(second)}
}

/** A "no" cuts the sessions of writers, so HAProxy's check waits for a daemon that restarts. */
const isHaproxys = ({question}: CheckRequest): boolean => question.address !== null

/** Asks again until the time is up, and waits for the answer as long as there is time. */
async function askLonger(socket: string, path: string, first: Miss, deadline: CheckDeadline) {
  let last: DaemonAnswer | Miss = first
  while (isMiss(last) && ['absent', 'silent'].includes(last.kind) && deadline.leftMs - 50 > socketTimeoutMs) {
    if (last.kind === 'absent') await new Promise((resolve) => setTimeout(resolve, 50))
    last = await askSocket(socket, path, deadline.leftMs - 50)
  }
  return last
}

/** `answerIn` has checked the fields that every answer has; the daemon vouches for the others. */
const bodyOf = (answer: DaemonAnswer): CheckBody => answer as CheckBody

/**
 * Most of the time is kept for asking the servers. Whole milliseconds: AbortSignal.timeout takes no
 * others.
 */
const timeoutOf = ({leftMs}: CheckDeadline): number => Math.min(socketTimeoutMs, Math.floor(leftMs / 2))

/** The configuration, whose `check.timeout` holds from here on. Throws OperatorError. */
async function readConfig({config: path, dsns}: CheckRequest, {env, cwd, deadline}: CheckDeps): Promise<Config> {
  const config = await loadConfig({path: path ?? undefined, dsns, env, cwd})
  deadline.setConfigured(config.check.timeoutMs)
  return config
}

/**
 * The configuration, or why this user has none. HAProxy's user may ask the daemon without the right
 * to read the configuration, which holds passwords. A file that `-c` names must be readable.
 */
async function readConfigIfAny(request: CheckRequest, deps: CheckDeps): Promise<Config | OperatorError> {
  try {
    return await readConfig(request, deps)
  } catch (error) {
    if (request.config === null && isWithoutFile(error)) return error
    // The named daemon goes on with its last good configuration while an operator edits the file.
    if (request.config === null && request.socket !== null && error instanceof OperatorError) return error
    throw error
  }
}
