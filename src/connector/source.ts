import {resolve} from 'node:path'
import type {Config} from '../config/config.ts'
import {OperatorError} from '../core/errors.ts'
import {fallbackOf} from '../core/offers/fallback.ts'
import type {SnapshotSource} from '../core/ports.ts'
import type {ReadFallback} from '../core/settings.ts'
import {systemClock} from '../system/clock.ts'
import type {ConnectOptions} from './types.ts'

export type SourceOptions = Pick<ConnectOptions, 'config' | 'daemon' | 'source'>

export type Opened = Readonly<{
  source: SnapshotSource
  /** Opened here, so closed with the connector. */
  isOwn: boolean
  fallback: (group: string) => ReadFallback
  /** `null`: the source is not a monitor of this process. */
  reload: ((config: string | object) => Promise<void>) | null
}>

/** Opens what `connect` was given: exactly one of the three. Throws OperatorError. */
export async function openSource(options: SourceOptions, patienceMs: number): Promise<Opened> {
  const given = (['config', 'daemon', 'source'] as const).filter((name) => options[name] !== undefined)
  if (given.length !== 1) {
    const what = given.length === 0 ? 'none of config, daemon and source' : given.join(' and ')
    throw new OperatorError('USAGE', `connect() is given ${what}`, 'Give exactly one of config, daemon and source.')
  }
  const {config, daemon, source} = options
  const unknownFallback = () => 'primary' as const
  if (source !== undefined) return {source, isOwn: false, fallback: unknownFallback, reload: null}
  if (config !== undefined) return openMonitor(config)
  const {daemonSource} = await import('../sources/daemon/daemon-source.ts')
  const opened = await daemonSource({
    ...daemonAt(daemon),
    clock: systemClock,
    random: Math.random,
    timeoutMs: patienceMs,
  })
  return {source: opened, isOwn: true, fallback: unknownFallback, reload: null}
}

function daemonAt(daemon: ConnectOptions['daemon']) {
  if (typeof daemon === 'object' && 'socket' in daemon) return {at: {socket: resolve(daemon.socket)}}
  const {url, ca} = typeof daemon === 'object' ? daemon : {url: String(daemon), ca: undefined}
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed && /^https?:$/.test(parsed.protocol)) return {at: {url: parsed.origin}, ca}
  if (parsed === null && url.includes('/')) return {at: {socket: resolve(url)}}
  throw new OperatorError(
    'USAGE',
    'daemon is neither a URL nor the path of a socket',
    'Write https://HOST:PORT, or /run/pgroute66/pgroute66.sock.',
  )
}

async function openMonitor(given: string | object): Promise<Opened> {
  const {composeOnlooker} = await import('../app/serve/onlooker.ts')
  let current = await configOf(given)
  const {monitor, reload} = await composeOnlooker(current)
  return {
    source: monitor,
    isOwn: true,
    fallback: (group) => fallbackOf(current.groups)(group),
    async reload(next) {
      const config = await configOf(next)
      await reload(config)
      current = config
    },
  }
}

/** From a file, or from the same tree as an object. Throws OperatorError. */
export async function configOf(given: string | object): Promise<Config> {
  const {loadConfig, fromFile} = await import('../config/load.ts')
  const [env, cwd] = [process.env, process.cwd()]
  if (typeof given === 'string') return loadConfig({path: given, env, cwd})
  // JSON is YAML. The mode: what is in memory is readable by this process alone.
  return fromFile({path: resolve(cwd, 'config'), text: JSON.stringify(given), mode: 0o600}, env)
}
