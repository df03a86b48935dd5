import {dirname, join, resolve} from 'node:path'
import {isWithoutFile} from '../../config/config-file.ts'
import {osUser} from '../../config/libpq/environment.ts'
import {loadConfig} from '../../config/load.ts'
import {OperatorError} from '../../core/errors.ts'
import {usualSocket} from '../../sources/daemon/socket-path.ts'
import type {Channel} from './order.ts'

export type ChannelFlags = Readonly<{
  url?: string | undefined
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  'token-file'?: string | undefined
  /** The control socket itself. */
  socket?: string | undefined
  config?: string | undefined
  env: NodeJS.ProcessEnv
  cwd: string
}>

/**
 * Where orders go: to the endpoint that the flags name, else to the control socket of the
 * configuration, else to the control socket beside the usual socket. Throws OperatorError.
 */
export async function controlChannel({
  url,
  ca,
  cert,
  key,
  socket,
  config: path,
  env,
  cwd,
  ...flags
}: ChannelFlags): Promise<Channel> {
  const tokenFile = flags['token-file']
  // A path names the socket for questions. The control socket, which takes orders, lies beside it.
  const isPath = url !== undefined && !URL.canParse(url) && url.includes('/')
  if (url !== undefined && !isPath) return {url, ca, cert, key, tokenFile}
  if ([tokenFile, ca, cert, key].some((given) => given !== undefined))
    throw new OperatorError('USAGE', '--token-file, --ca, --cert and --key need --url', 'Add --url.')
  if (socket !== undefined) return {socket: resolve(cwd, socket)}
  if (isPath) return {socket: beside(resolve(cwd, url))}
  // `serve` puts the control socket beside the socket that checks ask.
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

/** The user's name for the log. Under sudo it is in $SUDO_USER; a service has no $USER. */
export const whoAsks = (env: NodeJS.ProcessEnv): string | null => env.SUDO_USER || env.USER || osUser()
