import type {Admission} from '../../core/admission.ts'
import type {Clock, HostDriver, Log} from '../../core/ports.ts'
import type {HostSettings, MonitorSettings} from '../../core/settings.ts'
import {pgDriver} from './driver.ts'
import type {ConnectionsOf} from './side-session.ts'

/** `admission`: for the sessions of heartbeats. `connectionsOf`: shared with sessions beside the driver's. */
export type SharedByDrivers = Readonly<{admission?: Admission; connectionsOf?: ConnectionsOf}>

/** The driver of each host, over PostgreSQL's protocol. */
export const driverFor =
  ({probe, availability}: MonitorSettings, clock: Clock, log: Log, {admission, connectionsOf}: SharedByDrivers = {}) =>
  (host: HostSettings): HostDriver =>
    pgDriver({
      ...{host, probe, availability, clock},
      ...(admission && {admission}),
      ...(connectionsOf && {connections: connectionsOf(host.name)}),
      warn: (text) => log.warn({host: host.name}, `${host.name}: ${text}`),
    })
