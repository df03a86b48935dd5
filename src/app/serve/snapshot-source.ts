import {resolve} from 'node:path'
import {OperatorError} from '../../core/errors.ts'
import {noMeter} from '../../core/no-meter.ts'
import type {SnapshotSource} from '../../core/ports.ts'
import {silentLog} from '../../core/silent-log.ts'
import {systemClock} from '../../system/clock.ts'
import {readNamed} from '../../system/named-file.ts'
import {ownVersion} from '../cli/version.ts'

export type SourceAsked = Readonly<{
  config?: string | undefined
  dsns?: readonly string[] | undefined
  /** A running daemon; then nothing else is asked. */
  url?: string | undefined
  /** File with the certificates that the daemon's is signed by. */
  ca?: string | undefined
  env: NodeJS.ProcessEnv
  cwd?: string
}>

/**
 * Where snapshots come from: a running daemon, or a monitor of our own that only looks on. Throws
 * OperatorError.
 */
export async function openSource({
  config,
  dsns,
  url,
  ca,
  env,
  cwd = process.cwd(),
}: SourceAsked): Promise<SnapshotSource> {
  if (url !== undefined) {
    const {daemonSource} = await import('../../sources/daemon/daemon-source.ts')
    const pem = ca === undefined ? undefined : await readNamed(resolve(cwd, ca), 'CA')
    return daemonSource({at: placeOf(url, cwd), ca: pem, clock: systemClock, random: Math.random})
  }
  if (ca !== undefined)
    throw new OperatorError('USAGE', '--ca without --url', 'Add --url; the servers have their own sslrootcert.')
  const [{loadConfig}, {compose}] = await Promise.all([import('../../config/load.ts'), import('./compose.ts')])
  const loaded = await loadConfig({path: config, dsns, env, cwd})
  const around = {
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    meter: noMeter,
    version: ownVersion(),
    isOnlooker: true,
  }
  return (await compose(loaded, around)).monitor
}

/** A URL, or the path of the daemon's unix socket. */
function placeOf(text: string, cwd: string): Readonly<{url: string} | {socket: string}> {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol)) return {url: url.origin}
  if (url === null && text.includes('/')) return {socket: resolve(cwd, text)}
  throw new OperatorError(
    'USAGE',
    '--url is neither a URL nor the path of a socket',
    'Write https://HOST:PORT, or /run/pgroute66/pgroute66.sock.',
  )
}
