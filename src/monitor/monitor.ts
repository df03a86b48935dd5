import type {Acceptance, Clock, HostDriver, Log, MemoryStore, Meter, Random, SnapshotSource} from '../core/ports.ts'
import type {HostSettings, MonitorSettings} from '../core/settings.ts'

export type MonitorDeps = Readonly<{
  settings: MonitorSettings
  driver: (host: HostSettings) => HostDriver
  clock: Clock
  random: Random
  store: MemoryStore
  log: Log
  meter: Meter
  version: string
}>

export interface Monitor extends SnapshotSource, Acceptance {
  /** Resolves once every host has an answer or a cause. */
  readonly ready: Promise<void>
  /** Hosts whose settings did not change keep their connection. */
  reload(settings: MonitorSettings): Promise<void>
}

export async function startMonitor(_deps: MonitorDeps): Promise<Monitor> {
  throw new Error('being written')
}
