import {type ServerTrial, serverTrialLines, tryServers} from '../../actuators/haproxy/server-trial.ts'
import {type HaproxyNow, haproxyNow} from '../../actuators/haproxy/servers-now.ts'
import {type PgbouncerTrial, pgbouncerText, tryPgbouncers} from '../../actuators/pgbouncer/connection-test.ts'
import type {Config} from '../../config/config.ts'
import {unknownAddresses} from '../../sources/daemon/unknown-addresses.ts'
import {type PatroniTrial, patroniText, tryPatroni} from '../../sources/patroni/connection-test.ts'
import {type PeerTrial, peersText, tryPeers} from '../../sources/peer/connection-test.ts'
import {connectionOpener} from '../../sources/pg/connection.ts'
import {type HostTrial, tryHosts} from '../../sources/pg/connection-test.ts'
import {addressesOf, resolver} from '../../sources/pg/resolver.ts'
import {connectionsByHost, sessionsElsewhere, sideSessions} from '../../sources/pg/side-session.ts'
import {type PgafTrial, pgafText, tryPgaf} from '../../sources/pgaf/connection-test.ts'
import type {PgafDeps} from '../../sources/pgaf/pgaf-sources.ts'
import {type RepmgrTrial, repmgrText, tryRepmgr} from '../../sources/repmgr/connection-test.ts'
import type {RepmgrDeps} from '../../sources/repmgr/repmgr-sources.ts'
import {systemClock} from '../../system/clock.ts'
import {machineId} from '../../system/machine-id.ts'
import {isFine, trialText} from '../cli/connection-test-text.ts'

/** `notes`: what could not be looked at, and what works but should be changed. */
export type ConnectTrial = Readonly<{
  ok: boolean
  text: string
  hosts: readonly HostTrial[]
  haproxies: readonly Omit<HaproxyNow, 'servers'>[]
  servers: ServerTrial
  pgbouncers: readonly PgbouncerTrial[]
  repmgr: readonly RepmgrTrial[]
  patroni: readonly PatroniTrial[]
  pgaf: readonly PgafTrial[]
  peers: readonly PeerTrial[]
  notes: readonly string[]
}>

const resolveMs = 5_000

const side = {clock: systemClock, admission: null, connectionsOf: connectionsByHost()}
const openSide: RepmgrDeps['open'] = (host, dbname, probe) => sideSessions(host, dbname, probe, side)
const openMonitor: PgafDeps['open'] = (monitor, probe) => sessionsElsewhere(monitor, probe, side)

/**
 * `config check --connect`: connects to each host, and compares the servers of load balancers with
 * the hosts: those that the configured HAProxies have now, and those that the running daemon was asked
 * about. Tries each PgBouncer, reads repmgr's table, asks Patroni, monitors and each peer. Never rejects.
 */
export async function connectTrial(config: Config): Promise<ConnectTrial> {
  const signal = AbortSignal.timeout(resolveMs)
  const [hosts, resolved, read, told, pgbouncers, repmgr, patroni, pgaf, peers] = await Promise.all([
    tryHosts(config, systemClock),
    Promise.all(config.hosts.map(({connection}) => addressesOf(connection, resolver(systemClock), signal))),
    Promise.all(config.haproxy.instances.map(haproxyNow)),
    config.socket === null ? [] : unknownAddresses(config.socket),
    tryPgbouncers(config.pgbouncer, connectionOpener(systemClock), systemClock),
    tryRepmgr(config, openSide, systemClock),
    tryPatroni(config, {clock: systemClock, random: Math.random}),
    tryPgaf(config, openMonitor, systemClock),
    tryPeers(config, machineId(), systemClock),
  ])
  const seen = [
    ...read.flatMap(({socket, servers: own}) => own.map((server) => ({...server, by: `HAProxy ${socket}`}))),
    ...told.map(({host, address, port}) => ({server: host, address, port, name: null, by: 'the daemon'})),
  ]
  const servers = tryServers(config.hosts, resolved, seen)
  const haproxies = read.map(({servers: _, ...one}) => one)
  const isWithoutProblem = ({problems}: Readonly<{problems: readonly string[]}>) => problems.length === 0
  const ok =
    isFine(hosts) &&
    // One that does not answer is told below: it may be started later.
    haproxies.every(({version, problem}) => version === null || problem === null) &&
    servers.mismatches.length === 0 &&
    [...pgbouncers, ...repmgr, ...patroni, ...pgaf, ...peers].every(isWithoutProblem)
  const lines = [
    trialText(hosts),
    ...haproxies.flatMap(({socket, version, problem}) =>
      version === null ? [] : [`haproxy ${socket}  HAProxy ${version}${problem === null ? '' : `: ${problem}`}`],
    ),
    ...serverTrialLines(servers),
    ...pgbouncerText(pgbouncers),
    ...repmgrText(repmgr),
    ...patroniText(patroni),
    ...pgafText(pgaf),
    ...peersText(peers, config.groups.length > 1),
  ]
  const text = [...lines, ...(ok ? ['ok'] : [])].join('\n')
  const notes = [
    ...hosts.flatMap(({host, notes}) => notes.map((note) => `${host}: ${note}`)),
    ...haproxies.flatMap(({version, problem}) => (version === null ? `HAProxy cannot be read: ${problem}` : [])),
  ]
  return {ok, text, hosts, haproxies, servers, pgbouncers, repmgr, patroni, pgaf, peers, notes}
}
