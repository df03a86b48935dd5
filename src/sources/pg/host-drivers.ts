import type {Admission} from '../../core/admission.ts'
import type {Clock, HostDriver, Log} from '../../core/ports.ts'
import type {HostSettings, MonitorSettings} from '../../core/settings.ts'
import {pgDriver} from './driver.ts'

/** The driver of each host, over PostgreSQL's protocol. `admission`: for the sessions of heartbeats. */
export const driverFor =
  ({probe, availability}: MonitorSettings, clock: Clock, log: Log, admission?: Admission) =>
  (host: HostSettings): HostDriver =>
    pgDriver({
      ...{host, probe, availability, clock},
      ...(admission && {admission}),
      warn: (text) => log.warn({host: host.name}, `${host.name}: ${text}`),
    })
