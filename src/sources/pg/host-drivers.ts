import type {Clock, HostDriver, Log} from '../../core/ports.ts'
import type {HostSettings, MonitorSettings} from '../../core/settings.ts'
import {pgDriver} from './driver.ts'

/** The driver of each host, over PostgreSQL's protocol. */
export const driverFor =
  ({probe, availability}: MonitorSettings, clock: Clock, log: Log) =>
  (host: HostSettings): HostDriver =>
    pgDriver({
      ...{host, probe, availability, clock},
      warn: (text) => log.warn({host: host.name}, `${host.name}: ${text}`),
    })
