import {loadConfig} from '../config/load.ts'
import type {SnapshotSource} from '../core/ports.ts'
import {systemClock} from './clock.ts'
import {compose} from './compose.ts'
import {noMeter} from './no-meter.ts'
import {silentLog} from './silent-log.ts'
import {ownVersion} from './version.ts'

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

/** Where snapshots come from: a running daemon, or a monitor of our own that only looks on. Throws OperatorError. */
export async function openSource({config, dsns, env, cwd = process.cwd()}: SourceAsked): Promise<SnapshotSource> {
  const loaded = await loadConfig({path: config, dsns, env, cwd})
  const around = {clock: systemClock, random: Math.random, log: silentLog, meter: noMeter, version: ownVersion(), isOnlooker: true}
  return (await compose(loaded, around)).monitor
}
