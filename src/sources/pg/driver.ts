import type {Admission} from '../../core/admission.ts'
import {type Clock, type HostDriver, isFailure} from '../../core/ports.ts'
import type {AvailabilitySettings, HostSettings, ProbeSettings} from '../../core/settings.ts'
import type {Connection, Route} from './connection.ts'
import {heartbeats} from './heartbeat.ts'
import {knock} from './knock.ts'
import {patience, RoundTrips} from './limits/patience.ts'
import {Known} from './parts/known.ts'
import {PingTrials} from './pings/ping-trials.ts'
import {addressesOf, type Resolver, rememberingResolver, resolver} from './resolver.ts'
import {openSession} from './session.ts'

export type PgDriverSettings = Readonly<{
  host: HostSettings
  probe: ProbeSettings
  availability: AvailabilitySettings | null
  clock: Clock
  /** For the sessions of heartbeats; default: none waits. */
  admission?: Admission
  /** The open connections of this host, others' included: `close` ends all of them. Default: a set of its own. */
  connections?: Set<Connection>
  /** Default: the system's resolver. */
  resolve?: Resolver
  /** Told of each fact that the server denies, when it is found out. */
  warn?: (text: string) => void
  /** Told once of each thing that works, and should be changed; default: `warn`. */
  advise?: (text: string) => void
}>

/** PostgreSQL over the wire. */
export function pgDriver({host, probe, availability, clock, ...rest}: PgDriverSettings): HostDriver {
  const {warn = () => {}, advise = warn} = rest
  const advised = new Set<string>()
  const {resolve, latest} = rememberingResolver(rest.resolve ?? resolver(clock))
  const connectTimeoutMs = host.connection.connectTimeoutMs ?? probe.connectTimeoutMs
  const roundTrips = new RoundTrips(clock)
  const trials = new PingTrials(clock, warn)
  const once = (text: string) => {
    if (advised.has(text)) return
    advised.add(text)
    advise(text)
  }
  const connections = rest.connections ?? new Set()
  const route: Route = {to: host.connection, resolve, roundTrips, trials, connections, advise: once}
  const known = new Known(clock, host.connection, warn)
  let closings = 0
  return {
    async open(signal) {
      const before = closings
      using limits = patience(clock, roundTrips, connectTimeoutMs, signal)
      const session = await openSession(route, probe.timeoutMs, limits, known)
      // `close` was called while this session was being opened, and could not close it.
      if (closings !== before && !isFailure(session)) session.close()
      return session
    },
    async knock(signal) {
      using limits = patience(clock, roundTrips, probe.timeoutMs, signal)
      return await knock(route, limits)
    },
    limitMs: (configuredMs, trips) => roundTrips.limitMs(configuredMs, trips),
    addresses: (signal) => addressesOf(route.to, route.resolve, signal),
    resolved: latest,
    heartbeat: heartbeats({
      route,
      known,
      timeoutMs: probe.timeoutMs,
      connectTimeoutMs,
      availability,
      clock,
      admission: rest.admission ?? null,
    }),
    async close() {
      closings += 1
      for (const connection of route.connections) connection.close()
    },
  }
}
