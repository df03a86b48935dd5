import {eligibleHosts, isUnasked, type PoolRole} from '../../core/offers/pools.ts'
import {findServer} from '../../core/offers/server-lookup.ts'
import type {ServerName} from '../../core/offers/server-name.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {HostState, Snapshot} from '../../core/snapshot.ts'

/**
 * One server of one backend, as HAProxy shows it (HAProxy 2.6 management guide, "show servers
 * state" and "show stat").
 */
export type HaproxyServer = Readonly<{
  backend: string
  server: string
  address: string
  port: number
  /** The DNS name in haproxy.cfg; `null`: haproxy.cfg has an address. */
  name: string | null
  /**
   * Bits: `forcedMaintenance`, `forcedDrain`. The runtime API cannot clear the others, and bit 4 only
   * records that haproxy.cfg says `disabled`.
   */
  adminState: number
  sessions: number
}>

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
  /** Whether HAProxy is fully in step once the steps are done. */
  isWhole: boolean
}>

export type DesiredHaproxy = Readonly<{
  backends: Readonly<Record<string, PoolRole>>
  fallback: (group: string) => ReadFallback
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
 */
export function planHaproxy(
  desired: DesiredHaproxy,
  servers: readonly HaproxyServer[],
  snapshot: Snapshot,
): HaproxyPlan {
  const problems: string[] = []
  const steps: HaproxyStep[] = []
  const deposed: HaproxyServer[] = []
  let isWhole = true
  const hostOf = serversOf(snapshot)
  const membersOf = Map.groupBy(servers, ({backend}) => backend)
  for (const [backend, role] of Object.entries(desired.backends)) {
    const members = (membersOf.get(backend) ?? []).map((server) => ({server, host: hostOf(server)}))
    if (members.length === 0) {
      problems.push(
        `HAProxy has no backend "${backend}", or the backend has no servers: correct haproxy.backends or haproxy.cfg`,
      )
      isWhole = false
    }
    const foreignServers = members.flatMap(({server, host}) => (host === null ? server : []))
    for (const {server, address, port} of foreignServers) {
      const what = `server ${backend}/${server} (${address}:${port}) matches no host and is left alone`
      problems.push(`${what}: give it the name and the address of a host, or remove it from haproxy.cfg`)
    }
    const ours = members.flatMap(({server, host}) =>
      host === null ? [] : [{server, host: host.host, isUnasked: isUnasked(host, snapshot)}],
    )
    const known = ours.filter((each) => !each.isUnasked)
    const found = eligibleHosts({role, hosts: known.map(({host}) => host), snapshot, fallback: desired.fallback})
    const isAmbiguous = role === 'primary' && found.length > 1
    const obstacles = role === 'primary' ? obstaclesTo(found, backend, foreignServers) : []
    problems.push(...obstacles)
    if (obstacles.length > 0) isWhole = false
    const wanted = isAmbiguous ? [] : found
    const isSwitch = role === 'primary' && wanted.length > 0
    const moved = isSwitch ? ours : known
    for (const {server, host} of moved)
      steps.push(...stepsFor(server, host, role, wanted).filter(({kind}) => kind !== 'start' || obstacles.length === 0))
    if (isSwitch) deposed.push(...moved.filter(({host}) => !wanted.includes(host)).map(({server}) => server))
  }
  const rank = {stop: 0, cut: 1, start: 2}
  return {steps: steps.sort((a, b) => rank[a.kind] - rank[b.kind]), deposed, problems, isWhole}
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

function stepsFor(
  {backend, server, adminState, sessions}: HaproxyServer,
  host: string,
  role: PoolRole,
  wanted: readonly string[],
): readonly HaproxyStep[] {
  const name = `${backend}/${server}`
  if (wanted.includes(host)) {
    return (adminState & (forcedMaintenance | forcedDrain)) === 0
      ? []
      : [
          {
            kind: 'start',
            backend,
            server,
            command: `set server ${name} state ready`,
            why: `${host} may serve as ${role}`,
          },
        ]
  }
  const isStopped = (adminState & forcedMaintenance) !== 0
  const stop = isStopped
    ? []
    : [
        {
          kind: 'stop' as const,
          backend,
          server,
          command: `set server ${name} state maint`,
          why: `${host} may not serve as ${role}`,
        },
      ]
  const isDeposed = role === 'primary' && wanted.length > 0 && sessions > 0
  const cut = isDeposed
    ? [
        {
          kind: 'cut' as const,
          backend,
          server,
          command: `shutdown sessions server ${name}`,
          why: `${wanted[0]} has taken over from ${host}`,
        },
      ]
    : []
  return [...stop, ...cut]
}

/**
 * HAProxy shows a DNS name and the address that the name leads to. Where they belong to two hosts, the server
 * matches neither.
 */
function serversOf(snapshot: Snapshot): (server: HaproxyServer) => HostState | null {
  const find = (asked: ServerName) => {
    const found = findServer(asked, snapshot)
    return found.kind === 'host' ? found.host : null
  }
  return ({server, address, port, name}) => {
    const found = find({name: server, address, port})
    const byName = name === null ? null : find({name: null, address: name, port})
    return found && byName && found !== byName ? null : (found ?? byName)
  }
}
