import type {Admission} from '../core/admission.ts'
import type {Clock, HostDriver, Log, MemoryStore, Meter, Random} from '../core/ports.ts'
import type {HostSettings, MonitorSettings} from '../core/settings.ts'
import type {SourcesFor} from './evidence-desk.ts'
import type {FastHosts} from './pacing.ts'
import type {PingTimer} from './pings/timer.ts'

/** What a monitor is made of. */
export type MonitorDeps = Readonly<{
  settings: MonitorSettings
  driver: (host: HostSettings) => HostDriver
  /** Of all logins of this process; absent: of the logins of this monitor. */
  admission?: Admission
  /** Of all sessions of this process; absent: of the sessions of this monitor. */
  pings?: PingTimer
  /** Of all hosts of this process; absent: of the hosts of this monitor. */
  fastHosts?: FastHosts
  clock: Clock
  random: Random
  store: MemoryStore
  /** External sources of evidence; absent: none. */
  evidence?: SourcesFor
  log: Log
  meter: Meter
  version: string
  /** What sets this run apart; absent: a new one. */
  epoch?: string
}>
