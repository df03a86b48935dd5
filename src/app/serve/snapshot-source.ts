import {resolve} from 'node:path'
import {OperatorError} from '../../core/errors.ts'
import type {SnapshotSource} from '../../core/ports.ts'
import type {HttpEndpoint} from '../../sources/daemon/http-request.ts'
import {systemClock} from '../../system/clock.ts'
import {readNamed} from '../../system/named-file.ts'

export type SourceFlags = Readonly<{
  config?: string | undefined
  dsns?: readonly string[] | undefined
  /** A running daemon, which is then the only source. */
  url?: string | undefined
  /** File with the certificates of the authority that signed the daemon's certificate. */
  ca?: string | undefined
  /** A daemon that was found to watch these hosts. */
  daemon?: Readonly<{at: HttpEndpoint; name: string}> | null | undefined
  env: NodeJS.ProcessEnv
  cwd?: string
}>

/**
 * Opens the source of snapshots: a running daemon, or a monitor in this process that remembers
 * nothing. Throws OperatorError.
 */
export async function openSource({
  config,
  dsns,
  url,
  ca,
  daemon = null,
  env,
  cwd = process.cwd(),
}: SourceFlags): Promise<SnapshotSource> {
  if (url !== undefined) {
    const {daemonSource} = await import('../../sources/daemon/daemon-source.ts')
    const pem = ca === undefined ? undefined : await readNamed(resolve(cwd, ca), 'CA')
    return daemonSource({at: endpointOf(url, cwd), ca: pem, clock: systemClock, random: Math.random})
  }
  if (daemon !== null) {
    const {daemonSource} = await import('../../sources/daemon/daemon-source.ts')
    const at = {endpoint: daemon.at, name: daemon.name}
    return daemonSource({at, clock: systemClock, random: Math.random})
  }
  if (ca !== undefined)
    throw new OperatorError(
      'USAGE',
      '--ca is given without --url',
      'Add --url. For the servers, sslrootcert names the certificates.',
    )
  const [{loadConfig}, {composeOnlooker}] = await Promise.all([import('../../config/load.ts'), import('./onlooker.ts')])
  return (await composeOnlooker(await loadConfig({path: config, dsns, env, cwd}))).monitor
}

/** A URL, or the path of the daemon's unix socket. */
function endpointOf(text: string, cwd: string): Readonly<{url: string} | {socket: string}> {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol)) return {url: url.origin}
  if (url === null && text.includes('/')) return {socket: resolve(cwd, text)}
  throw new OperatorError(
    'USAGE',
    '--url is neither a URL nor the path of a socket',
    'Write https://HOST:PORT, or /run/pgroute66/pgroute66.sock.',
  )
}
