import {holdOn} from '../../core/offers/held.ts'
import {eligibleHosts, isUnasked, type PoolRole} from '../../core/offers/pools.ts'
import {type FoundServer, findServer} from '../../core/offers/server-lookup.ts'
import type {ServerName} from '../../core/offers/server-name.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {HostState, Snapshot} from '../../core/snapshot.ts'
import {type HaproxyServer, matchServer} from './match.ts'

/** One command and its reason. Every `stop` must be verified before any `start`. */
export type HaproxyStep = Readonly<{
  kind: 'stop' | 'cut' | 'start'
  backend: string
  server: string
  command: string
  why: string
}>
export type HaproxyPlan = Readonly<{
  /** In order: all stops, then cuts, then starts, once the stops are verified. */
  steps: readonly HaproxyStep[]
  /** Servers of write backends that have a successor: their sessions must end, in old workers too. */
  deposed: readonly Readonly<{backend: string; server: string}>[]
  /** For the operator: an unknown backend, a server that matches no host. */
  problems: readonly string[]
  /** Servers of these backends whose address is no host's. */
  namedOnly: readonly Readonly<{server: ServerName; host: string}>[]
  /** Whether HAProxy is fully in step once the steps are done. */
  isWhole: boolean
}>

type ServerMatch = FoundServer<HostState>

export type DesiredHaproxy = Readonly<{
  backends: Readonly<Record<string, PoolRole>>
  fallback: (group: string) => ReadFallback
  /** During a planned switch new clients are refused, because this HAProxy cannot make them wait. */
  refusesHeld?: boolean
}>

/**
 * Bits of `srv_admin_state` (HAProxy 2.6 management guide, "show servers state"), set by `disabled`
 * or at run time.
 */
const [forcedMaintenance, forcedDrain] = [0x01, 0x08]

/**
 * The commands for one HAProxy so that it follows `snapshot` (DESIGN 9). Idempotent: a HAProxy that
 * is in step gets no command. The order is a safety property: stops come first, so that two writers
 * are never up.
 *
 * Sessions of a deposed primary are cut only once it has a successor: a backend was seen committing
 * 3.9 s after its postmaster died. They are never cut because a host is merely unavailable.
 *
 * Hosts of a group that is starting (V0) stay as they are, because routing stands while a daemon
 * restarts. Only where another of their groups has a writer are they stopped beside it.
 *
 * A server with the name of one host and the address of another is no host: it is stopped, whatever
 * the backend is for, like the other styles take it out. A server that matches no host at all is
 * another program's, and left alone.
 */
export function planHaproxy(
  desired: DesiredHaproxy,
  servers: readonly HaproxyServer[],
  snapshot: Snapshot,
): HaproxyPlan {
  const problems: string[] = []
  const steps: HaproxyStep[] = []
  const deposed: HaproxyServer[] = []
  const namedOnly: HaproxyPlan['namedOnly'][number][] = []
  let isWhole = true
  const find = (server: ServerName) => findServer(server, snapshot)
  const membersOf = Map.groupBy(servers, ({backend}) => backend)
  for (const [backend, role] of Object.entries(desired.backends)) {
    const members = (membersOf.get(backend) ?? []).map((server) => ({server, match: matchServer(server, find)}))
    if (members.length === 0) {
      problems.push(
        `HAProxy has no backend "${backend}", or the backend has no servers: correct haproxy.backends or haproxy.cfg`,
      )
      isWhole = false
    }
    const foreignServers = members.flatMap(({server, match}) => (match.kind === 'unknown' ? server : []))
    problems.push(...members.flatMap(({server, match}) => problemOf(server, match)))
    namedOnly.push(...members.flatMap(({server, match}) => namedOnlyIn(server, match)))
    const ours = members.flatMap(({server, match}) =>
      match.kind === 'host' ? [{server, host: match.host.host, isUnasked: isUnasked(match.host, snapshot)}] : [],
    )
    const known = ours.filter((each) => !each.isUnasked)
    const found = eligibleHosts({role, hosts: known.map(({host}) => host), snapshot, fallback: desired.fallback})
    const isAmbiguous = role === 'primary' && found.length > 1
    const obstacles = role === 'primary' ? obstaclesTo(found, backend, foreignServers) : []
    problems.push(...obstacles)
    if (obstacles.length > 0) isWhole = false
    const isRefusing =
      desired.refusesHeld === true && role === 'primary' && found.some((host) => isHeld(host, snapshot))
    const wanted = isAmbiguous || isRefusing ? [] : found
    const isSwitch = role === 'primary' && wanted.length > 0
    const moved = isSwitch ? ours : known
    for (const {server, host} of moved)
      steps.push(...stepsFor(server, host, role, wanted).filter(({kind}) => kind !== 'start' || obstacles.length === 0))
    if (isSwitch) deposed.push(...moved.filter(({host}) => !wanted.includes(host)).map(({server}) => server))
    for (const {server, match} of members)
      if (match.kind === 'mismatch') steps.push(...stepsAgainst(server, match, isSwitch ? wanted : [], snapshot))
  }
  const rank = {stop: 0, cut: 1, start: 2}
  return {steps: steps.sort((a, b) => rank[a.kind] - rank[b.kind]), deposed, problems, namedOnly, isWhole}
}

/**
 * Why no writer of this backend may be started: there would be a second server to write to. A
 * server that is up already stays up.
 */
function obstaclesTo(
  found: readonly string[],
  backend: string,
  foreignServers: readonly HaproxyServer[],
): readonly string[] {
  if (found.length > 1)
    return [
      [
        `backend "${backend}" has the primaries of several groups (${found.join(', ')}),`,
        'so none is started: use one backend per group',
      ].join(' '),
    ]
  const up = foreignServers.filter(({adminState}) => (adminState & forcedMaintenance) === 0).map(({server}) => server)
  return up.length === 0
    ? []
    : [
        [
          `backend "${backend}" is for writers, and its server ${up.join(', ')} matches no host but may be up:`,
          'no other server is started',
        ].join(' '),
      ]
}

const isHeld = (host: string, snapshot: Snapshot): boolean =>
  snapshot.hosts[host]?.groups.some((group) => holdOn(snapshot, group) !== null) ?? false

function stepsFor(one: HaproxyServer, host: string, role: PoolRole, wanted: readonly string[]): readonly HaproxyStep[] {
  const {backend, server, adminState} = one
  if (wanted.includes(host)) {
    return (adminState & (forcedMaintenance | forcedDrain)) === 0
      ? []
      : [
          {
            kind: 'start',
            backend,
            server,
            command: `set server ${backend}/${server} state ready`,
            why: `${host} may serve as ${role}`,
          },
        ]
  }
  const isDeposed = role === 'primary' && wanted.length > 0
  return [
    ...stop(one, `${host} may not serve as ${role}`),
    ...(isDeposed ? cut(one, `${wanted[0]} has taken over from ${host}`) : []),
  ]
}

/**
 * The steps against a server that is no host. `writers`: who may be written to. Sessions that lead to
 * the writer stay: their server alone is misnamed.
 */
function stepsAgainst(
  server: HaproxyServer,
  {named, others}: Extract<ServerMatch, {kind: 'mismatch'}>,
  writers: readonly string[],
  snapshot: Snapshot,
): readonly HaproxyStep[] {
  const states = [named, ...others].flatMap((host) => snapshot.hosts[host] ?? [])
  if (states.some((host) => isUnasked(host, snapshot))) return []
  const leadsElsewhere = writers.length > 0 && !others.some((host) => writers.includes(host))
  return [
    ...stop(server, `it has the name of ${named} and the address of ${others.join(', ')}`),
    ...(leadsElsewhere ? cut(server, `it leads to ${others.join(', ')}, and the writer is ${writers[0]}`) : []),
  ]
}

function stop({backend, server, adminState}: HaproxyServer, why: string): readonly HaproxyStep[] {
  const isStopped = (adminState & forcedMaintenance) !== 0
  return isStopped ? [] : [{kind: 'stop', backend, server, command: `set server ${backend}/${server} state maint`, why}]
}

const cut = ({backend, server, sessions}: HaproxyServer, why: string): readonly HaproxyStep[] =>
  sessions === 0 ? [] : [{kind: 'cut', backend, server, command: `shutdown sessions server ${backend}/${server}`, why}]

const namedOnlyIn = ({server: name, address, port}: HaproxyServer, match: ServerMatch): HaproxyPlan['namedOnly'] =>
  match.kind === 'host' && !match.isAddressKnown ? [{server: {name, address, port}, host: match.host.host}] : []

function problemOf({backend, server, address, port}: HaproxyServer, match: ServerMatch): readonly string[] {
  const what = `server ${backend}/${server} (${address ?? 'no address'}:${port})`
  switch (match.kind) {
    case 'host':
      return []
    case 'mismatch':
      return [
        [
          `${what} has the name of ${match.named} and the address of ${match.others.join(', ')},`,
          `so it gets no connection: give it the address of ${match.named}, or the name of the host at its address`,
        ].join(' '),
      ]
    case 'unknown':
      return [
        [
          `${what} matches no host and is left alone:`,
          'give it the name and the address of a host, or remove it from haproxy.cfg',
        ].join(' '),
      ]
  }
}
