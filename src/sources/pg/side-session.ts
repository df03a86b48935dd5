import type {Admission} from '../../core/admission.ts'
import type {OpenSql} from '../../core/evidence/sql-session.ts'
import {type Clock, isFailure} from '../../core/ports.ts'
import type {ConnectionSettings, HostSettings, ProbeSettings} from '../../core/settings.ts'
import {deadline} from '../../core/wait.ts'
import {type Connection, openConnection} from './connection.ts'
import {patience, RoundTrips} from './limits/patience.ts'
import {type Resolver, resolver} from './resolver.ts'

/** The open connections of each host by name, beyond those of one driver. */
export type ConnectionsOf = (host: string) => Set<Connection>

/**
 * One set per host: its driver closes all of them when the server stops or the name leads elsewhere.
 * A smart shutdown would wait for a session that stays.
 */
export function connectionsByHost(): ConnectionsOf {
  const sets = new Map<string, Set<Connection>>()
  return (host) => {
    const known = sets.get(host) ?? new Set()
    sets.set(host, known)
    return known
  }
}

export type SideSessionDeps = Readonly<{
  clock: Clock
  /** `null`: no login waits. */
  admission: Admission | null
  connectionsOf: ConnectionsOf
  /** Default: the system's resolver. */
  resolve?: Resolver
}>

/** Opens sessions in `dbname` on a host, with the login, TLS and limits of its probes. */
export const sideSessions = (
  {name, connection}: HostSettings,
  dbname: string,
  probe: ProbeSettings,
  {connectionsOf, ...deps}: SideSessionDeps,
): OpenSql => sessionsAt(inDatabase(connection, dbname), connectionsOf(name), probe, deps)

/** Opens sessions on a server that is none of the hosts. Each question has the time of a probe. */
export const sessionsElsewhere = (
  to: ConnectionSettings,
  probe: ProbeSettings,
  deps: Omit<SideSessionDeps, 'connectionsOf'>,
): OpenSql => sessionsAt(to, new Set(), probe, deps)

function sessionsAt(
  to: ConnectionSettings,
  connections: Set<Connection>,
  probe: ProbeSettings,
  {clock, admission, resolve = resolver(clock)}: Omit<SideSessionDeps, 'connectionsOf'>,
): OpenSql {
  const roundTrips = new RoundTrips(clock)
  const connectTimeoutMs = to.connectTimeoutMs ?? probe.connectTimeoutMs
  return async (signal) => {
    const leave = await admission?.enter({isUrgent: false, signal})
    using limits = patience(clock, roundTrips, connectTimeoutMs, signal)
    const opened = await openConnection({to, resolve, roundTrips, connections}, limits)
    leave?.()
    if (isFailure(opened)) return opened
    return {
      get isOver() {
        return opened.isOver
      },
      async ask(text, signal) {
        using limit = deadline(clock, roundTrips.limitMs(probe.timeoutMs, 2), signal)
        const answered = roundTrips.begin()
        const rows = await opened.ask({text}, limit.signal)
        if (!isFailure(rows)) answered()
        return rows
      },
      close: () => opened.close(),
    }
  }
}

/** A line of .pgpass is chosen by the database too. */
function inDatabase(to: ConnectionSettings, dbname: string): ConnectionSettings {
  const {password} = to
  return {
    ...to,
    dbname,
    password: password.from === 'pgpass' ? {...password, key: {...password.key, dbname}} : password,
  }
}
