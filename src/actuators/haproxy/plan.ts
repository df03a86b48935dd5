import {eligibleHosts, isUnasked, type PoolRole} from '../../core/offers/pools.ts'
import {hostFinder} from '../../core/offers/server-lookup.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {HostState, Snapshot} from '../../core/snapshot.ts'

/**
 * One server of one backend, as HAProxy tells of it (HAProxy 2.6 management guide, "show servers
 * state" and "show stat").
 */
export type HaproxyServer = Readonly<{
  backend: string
  server: string
  address: string
  port: number
  /** The DNS name that the file gives in place of an address. */
  name: string | null
  /**
   * Bits: `forcedMaintenance`, `forcedDrain`; others cannot be lifted over the runtime API, and 4
   * only remembers that the file says `disabled`.
   */
  adminState: number
  sessions: number
}>

/** One command and what it is for. `stop` must be verified before any `start`. */
export type HaproxyStep = Readonly<{
  kind: 'stop' | 'cut' | 'start'
  backend: string
  server: string
  command: string
  why: string
}>
export type HaproxyPlan = Readonly<{
  /** In order: all stops, then cuts, then - once the stops are verified - starts. */
  steps: readonly HaproxyStep[]
  /**
   * Servers of write backends whose successor stands: whoever is still connected to them must go,
   * also in old workers.
   */
  deposed: readonly Readonly<{backend: string; server: string}>[]
  /** What an operator should know: an unknown backend, a server that is no host of ours. */
  problems: readonly string[]
  /** Once done, HAProxy does all that was wished for. */
  isWhole: boolean
}>

export type DesiredHaproxy = Readonly<{
  backends: Readonly<Record<string, PoolRole>>
  fallback: (group: string) => ReadFallback
}>

/**
 * Of `srv_admin_state` (HAProxy 2.6 management guide, "show servers state"): by `disabled` or at
 * run time.
 */
const [forcedMaintenance, forcedDrain] = [0x01, 0x08]

/**
 * What must be said to one HAProxy so that it follows `snapshot` (DESIGN 9). The order is a safety
 * property: what must stop goes first, so that two writers are never up; sessions of a deposed
 * primary are cut where its successor stands - a backend was seen committing 3.9 s after its
 * postmaster died - and never for bare unavailability. Hosts of a group that is being asked for the
 * first time (V0) stay as they are - routing stands while a daemon restarts -, except beside a
 * writer that another of their groups has. Idempotent: a HAProxy that already agrees gets an empty
 * plan.
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
      problems.push(`there is no backend "${backend}", or it has no servers: correct haproxy.backends, or haproxy.cfg`)
      isWhole = false
    }
    const foreignServers = members.flatMap(({server, host}) => (host === null ? server : []))
    for (const {server, address, port} of foreignServers) {
      const what = `server ${backend}/${server} (${address}:${port}) is no host of ours`
      problems.push(`${what}: name it like one and give it the same address, or take it out; it is left alone`)
    }
    const ours = members.flatMap(({server, host}) =>
      host === null ? [] : [{server, host: host.host, isUnasked: isUnasked(host, snapshot)}],
    )
    const known = ours.filter((each) => !each.isUnasked)
    const found = eligibleHosts(
      role,
      known.map(({host}) => host),
      snapshot,
      desired.fallback,
    )
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
 * Why no writer may be started, whoever is primary: there would be a second place to write to. Who
 * is up already stays so.
 */
function obstaclesTo(
  found: readonly string[],
  backend: string,
  foreignServers: readonly HaproxyServer[],
): readonly string[] {
  if (found.length > 1)
    return [
      `backend "${backend}" has the primaries of several groups (${found.join(', ')}), so none is started: make a backend per group`,
    ]
  const up = foreignServers.filter(({adminState}) => (adminState & forcedMaintenance) === 0).map(({server}) => server)
  return up.length === 0
    ? []
    : [`backend "${backend}" is for writers, and ${up.join(', ')} in it may be up: nothing is started beside it`]
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
 * As `hostOfServer`, for many: the address of a server is looked up, not searched. HAProxy shows
 * what a DNS name leads to, and the name beside it: that of another host means nobody, as an
 * address does.
 */
function serversOf(snapshot: Snapshot): (server: HaproxyServer) => HostState | null {
  const find = hostFinder(snapshot)
  return ({server, address, port, name}) => {
    const found = find({name: server, address, port})
    const byName = name === null ? null : find({name: null, address: name, port})
    return found && byName && found !== byName ? null : (found ?? byName)
  }
}
