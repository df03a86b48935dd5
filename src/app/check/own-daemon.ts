import {resolve} from 'node:path'
import type {Config} from '../../config/config.ts'
import {isWithoutFile} from '../../config/config-file.ts'
import {loadConfig} from '../../config/load.ts'
import type {HttpEndpoint} from '../../sources/daemon/http-request.ts'
import {usualSocket} from '../../sources/daemon/socket-path.ts'
import {print} from '../cli/print.ts'
import {pathOf, questionAbout} from './arguments.ts'
import {askSocket, isMiss, tellOlder} from './fast-path.ts'
import {hostsMeant} from './meant.ts'

/** A person waits for the answer, so a daemon on a busy machine gets more time than for a check. */
const timeoutMs = 2_000

/** `at`: where the daemon answers; `name`: the same for people. `why`: no daemon answers for these hosts. */
export type OwnDaemon = Readonly<{at: HttpEndpoint; name: string} | {why: string}>
export type OwnDaemonFlags = Readonly<{config?: string | undefined; env: NodeJS.ProcessEnv; cwd: string}>

/**
 * Looks for the running daemon of the configuration: on its unix socket, then on its port. A daemon
 * counts only if it watches the configured hosts (421 otherwise). Throws OperatorError for a
 * configuration that cannot be read; without any, the usual socket is asked.
 */
export async function ownDaemon({config: path, env, cwd}: OwnDaemonFlags): Promise<OwnDaemon> {
  const config = await configIfAny({path, env, cwd})
  const question = questionAbout(null, {})
  const meant = hostsMeant(config, question)
  const target = pathOf(question, meant)
  const named = env.PGROUTE66_SOCKET ? resolve(cwd, env.PGROUTE66_SOCKET) : null
  const socket = named ?? config?.socket ?? usualSocket
  const first = await askSocket(socket, target, timeoutMs)
  tellOlder(first, meant, socket)
  if (!isMiss(first)) return {at: {socketPath: socket}, name: socket}
  if (config === null || named !== null || first.kind === 'silent') return {why: `${socket}: ${first.why}`}
  // Loaded here: HTTP and TLS take time, and most daemons answer on their socket.
  const {askPort, portOf} = await import('./port.ts')
  const second = await askPort(config, target, timeoutMs)
  if (isMiss(second)) return {why: `${socket}: ${first.why}; ${second.endpoint}: ${second.why}`}
  const {at, url} = await portOf(config)
  tellOlder(second, meant, url)
  return {at, name: url}
}

type WatchFlags = Readonly<{
  config?: string | undefined
  url?: string | undefined
  ca?: string | undefined
  direct: boolean
  dsns: readonly string[]
  env: NodeJS.ProcessEnv
  cwd: string
}>

/**
 * The daemon that `watch` shows, and a line about it for the screen. `daemon: null`: none answers,
 * which is said on standard error. `null`: the flags name what to watch.
 */
export async function daemonToWatch(
  flags: WatchFlags,
): Promise<Readonly<{daemon: Extract<OwnDaemon, {at: HttpEndpoint}> | null; title: string}> | null> {
  // These name the hosts or the daemon.
  if (flags.direct || flags.dsns.length > 0 || flags.url !== undefined || flags.ca !== undefined) return null
  const found = await ownDaemon(flags)
  if ('at' in found) return {daemon: found, title: `through the daemon at ${found.name}`}
  print(2, `pgroute66: no daemon answers for these hosts (${found.why}); watch asks the hosts itself`)
  return {daemon: null, title: `no daemon answers (${found.why}): this screen asks the hosts itself`}
}

/** `null`: there is none. */
async function configIfAny(flags: Parameters<typeof loadConfig>[0]): Promise<Config | null> {
  try {
    return await loadConfig(flags)
  } catch (error) {
    if (flags.path === undefined && isWithoutFile(error)) return null
    throw error
  }
}
