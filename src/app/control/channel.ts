import {dirname, join, resolve} from 'node:path'
import {isWithoutFile} from '../../config/config-file.ts'
import {osUser} from '../../config/libpq/environment.ts'
import {loadConfig} from '../../config/load.ts'
import {OperatorError} from '../../core/errors.ts'
import {usualSocket} from '../../sources/daemon/socket-path.ts'
import type {Channel} from './order.ts'

export type ChannelAsked = Readonly<{
  url?: string | undefined
  ca?: string | undefined
  'token-file'?: string | undefined
  /** The control socket itself. */
  socket?: string | undefined
  config?: string | undefined
  env: NodeJS.ProcessEnv
  cwd: string
}>

/**
 * Where orders go: what was said, else the control socket of the configuration, else the one beside
 * the usual socket. Throws OperatorError.
 */
export async function controlChannel({
  url,
  ca,
  socket,
  config: path,
  env,
  cwd,
  ...asked
}: ChannelAsked): Promise<Channel> {
  const tokenFile = asked['token-file']
  // A path is the socket that anybody may ask; orders are taken by the one beside it.
  const isPath = url !== undefined && !URL.canParse(url) && url.includes('/')
  if (url !== undefined && !isPath) return {url, ca, tokenFile}
  if (tokenFile !== undefined || ca !== undefined)
    throw new OperatorError('USAGE', '--token-file and --ca are for --url', 'Add --url.')
  if (socket !== undefined) return {socket: resolve(cwd, socket)}
  if (isPath) return {socket: beside(resolve(cwd, url))}
  // Beside the socket that checks ask, as `serve` puts it.
  if (env.PGROUTE66_SOCKET) return {socket: beside(resolve(cwd, env.PGROUTE66_SOCKET))}
  const usual = {socket: beside(usualSocket)}
  try {
    const {controlSocket} = await loadConfig({path, env, cwd})
    return controlSocket === null ? usual : {socket: controlSocket}
  } catch (error) {
    if (path !== undefined || !isWithoutFile(error)) throw error
    return usual
  }
}

const beside = (path: string) => join(dirname(path), 'control.sock')

/** For the record. sudo hides who it was; a service has no $USER. */
export const whoAsks = (env: NodeJS.ProcessEnv): string | null => env.SUDO_USER || env.USER || osUser()
