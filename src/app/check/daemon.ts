import {resolve} from 'node:path'
import type {Config} from '../../config/config.ts'
import {isWithoutFile} from '../../config/config-file.ts'
import {usualSocket} from '../../sources/daemon/socket-path.ts'
import type {CheckBody} from './body.ts'
import type {CheckDeadline} from './deadline.ts'
import {askSocket, isMiss, type Miss} from './fast-path.ts'
import {type CheckQuestion, pathOf} from './question.ts'

export type Asked = Readonly<{
  question: CheckQuestion
  socket: string | undefined
  /** `-c`: a file that was named must be there, one in the usual places need not. */
  config: string | undefined
  load: () => Promise<Config>
  deadline: CheckDeadline
  env: NodeJS.ProcessEnv
  cwd: string
}>
export type Found = Readonly<{kind: 'answer'; body: CheckBody} | {kind: 'nobody'; misses: readonly Miss[]}>

/**
 * Asks a running daemon where it may be (DESIGN 6.1): on its unix socket, then on its port.
 * Whatever it answers is final. Throws OperatorError.
 */
export async function askDaemon(asked: Asked): Promise<Found> {
  const path = pathOf(asked.question)
  const named = asked.socket ?? asked.env.PGROUTE66_SOCKET ?? ''
  const config = named === '' ? await configIfAny(asked) : null
  const socket = named === '' ? (config?.socket ?? usualSocket) : resolve(asked.cwd, named)
  const first = await askSocket(socket, path, patienceOf(asked.deadline))
  if (!isMiss(first)) return {kind: 'answer', body: first as CheckBody}

  const where = config ?? (await configIfAny(asked))
  if (first.kind === 'silent') {
    // It would say nothing on its port either, and there is no time to lose - except where nobody
    // else can be asked: a daemon that starts anew behind a socket of systemd's answers late.
    const late = where === null ? await askSocket(socket, path, asked.deadline.leftMs - 50) : first
    return isMiss(late) ? {kind: 'nobody', misses: [late]} : {kind: 'answer', body: late as CheckBody}
  }
  if (where === null) return {kind: 'nobody', misses: [first]}
  // Loaded here: HTTP and TLS cost a check that asks the servers more than the servers do.
  const {askPort} = await import('./port.ts')
  const second = await askPort(where, path, patienceOf(asked.deadline))
  return isMiss(second) ? {kind: 'nobody', misses: [first, second]} : {kind: 'answer', body: second as CheckBody}
}

/**
 * Most of the time is kept for asking the servers. Whole milliseconds: AbortSignal.timeout takes no
 * others.
 */
const patienceOf = (deadline: CheckDeadline): number => Math.min(400, Math.floor(deadline.leftMs / 2))

/**
 * HAProxy's user asks the daemon without a right to read the configuration, which holds passwords.
 */
async function configIfAny({load, config}: Asked): Promise<Config | null> {
  try {
    return await load()
  } catch (error) {
    if (config !== undefined || !isWithoutFile(error)) throw error
    return null
  }
}
