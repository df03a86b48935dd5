import {type Clock, type HostDriver, type HostSession, isFailure} from '../../core/ports.ts'
import type {AvailabilitySettings, HostSettings, ProbeSettings} from '../../core/settings.ts'
import {heartbeats} from './heartbeat.ts'
import {knock} from './knock.ts'
import {names} from './names.ts'
import {openSession} from './session.ts'

export type PgDriverSettings = Readonly<{host: HostSettings; probe: ProbeSettings; availability: AvailabilitySettings | null; clock: Clock}>

/** PostgreSQL over the wire. */
export function pgDriver({host, probe, availability, clock}: PgDriverSettings): HostDriver {
  const to = host.connection
  const resolve = names(clock)
  const sessions = new Set<HostSession>()
  const beats = heartbeats({to, timeoutMs: probe.timeoutMs, availability, clock, names: resolve})
  return {
    async open(signal) {
      // One host has one session: an older one, of which nobody told us that it is over, goes with the next.
      const session = await openSession(to, probe.timeoutMs, resolve, signal)
      if (isFailure(session)) return session
      sessions.add(session)
      return {
        ...session,
        close() {
          sessions.delete(session)
          session.close()
        },
      }
    },
    knock: (signal) => knock(to, clock, resolve, signal),
    heartbeat: beats.beat,
    async close() {
      for (const session of sessions) session.close()
      sessions.clear()
      beats.close()
    },
  }
}
