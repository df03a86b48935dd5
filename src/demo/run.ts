import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {ownVersion} from '../app/cli/version.ts'
import {compose} from '../app/serve/compose.ts'
import {loadConfig} from '../config/load.ts'
import {noMeter} from '../core/no-meter.ts'
import {silentLog} from '../core/silent-log.ts'
import {systemClock} from '../system/clock.ts'
import {type Cluster, startCluster} from './cluster.ts'
import {demoKeys} from './keys.ts'
import {playStory} from './story.ts'

export type DemoAsked = Readonly<{tour: boolean; tell: (line: string) => void; signal: AbortSignal}>

/**
 * Starts a real cluster and a monitor for it, then plays the story or shows the live table with keys
 * to break things. Leaves no process and no folder behind. Throws OperatorError where there is no
 * embedded PostgreSQL.
 */
export async function demo({tour, tell, signal}: DemoAsked): Promise<void> {
  tell('Starting three PostgreSQL servers...')
  await using cluster = await startCluster()
  if (signal.aborted) return
  const path = await writeConfig(cluster)
  const config = await loadConfig({path, dsns: [], env: {}, cwd: cluster.folder})
  const deps = {clock: systemClock, random: Math.random, log: silentLog, meter: noMeter, version: ownVersion()}
  await using watching = await compose(config, deps)
  await watching.monitor.ready
  const source = watching.monitor
  if (tour) {
    // A story that the operator stopped is not a failure, whatever it was waiting for.
    return await playStory({cluster, source, now: systemClock.now, tell, signal}).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
  const {showWatch} = await import('../ui/show.ts')
  await showWatch({source, clock: systemClock, signal, title: `demo: ${path}`, actions: demoKeys(cluster, source)})
}

/**
 * Writes a configuration as an operator would, so that other commands can use the same cluster from
 * a second terminal.
 */
async function writeConfig(cluster: Cluster): Promise<string> {
  const path = join(cluster.folder, 'pgroute66.yml')
  const hosts = cluster.nodes.map(
    ({name, port}) =>
      `  ${name}: {host: 127.0.0.1, port: ${port}, user: pgroute66, password: pgroute66, dbname: postgres}`,
  )
  await writeFile(path, ['password_encoding: plain', 'hosts:', ...hosts, ''].join('\n'), {mode: 0o600})
  return path
}
