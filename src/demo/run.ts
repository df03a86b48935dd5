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
 * A real cluster, the monitor and its API over it, and then either the story or the live table with
 * keys to break things. Leaves no process and no folder behind. Throws OperatorError where there is
 * no embedded PostgreSQL.
 */
export async function demo({tour, tell, signal}: DemoAsked): Promise<void> {
  tell('Starting three PostgreSQL servers...')
  await using cluster = await startCluster()
  if (signal.aborted) return
  const path = await writeConfig(cluster)
  const config = await loadConfig({path, dsns: [], env: {}, cwd: cluster.folder})
  const around = {clock: systemClock, random: Math.random, log: silentLog, meter: noMeter, version: ownVersion()}
  await using watching = await compose(config, around)
  await watching.monitor.ready
  const source = watching.monitor
  if (tour) {
    // A story that was stopped on request is no failure, whatever it was waiting for.
    return await playStory({cluster, source, now: systemClock.now, tell, signal}).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
  const {showWatch} = await import('../ui/show.ts')
  await showWatch({source, clock: systemClock, signal, title: `demo: ${path}`, actions: demoKeys(cluster, source)})
}

/**
 * A file as an operator would write it, so that other commands can be tried on the same cluster
 * from a second terminal.
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
