import {type Clock, type HostDriver, isFailure} from '../../core/ports.ts'
import type {AvailabilitySettings, HostSettings, ProbeSettings} from '../../core/settings.ts'
import type {Connection, Route} from './connection.ts'
import {heartbeats} from './heartbeat.ts'
import {knock} from './knock.ts'
import {resolver} from './resolver.ts'
import {openSession} from './session.ts'

export type PgDriverSettings = Readonly<{
  host: HostSettings
  probe: ProbeSettings
  availability: AvailabilitySettings | null
  clock: Clock
}>

/** PostgreSQL over the wire. */
export function pgDriver({host, probe, availability, clock}: PgDriverSettings): HostDriver {
  const route: Route = {to: host.connection, resolve: resolver(clock), connections: new Set<Connection>()}
  let closings = 0
  return {
    async open(signal) {
      const before = closings
      const session = await openSession(route, probe.timeoutMs, signal)
      // `close` was called while this session was being opened, and could not close it.
      if (closings !== before && !isFailure(session)) session.close()
      return session
    },
    knock: (signal) => knock(route, clock, signal),
    heartbeat: heartbeats({
      route,
      timeoutMs: probe.timeoutMs,
      connectTimeoutMs: probe.connectTimeoutMs,
      availability,
      clock,
    }),
    async close() {
      closings += 1
      for (const connection of route.connections) connection.close()
    },
  }
}
