import {hostOfServer} from './haproxy-server.ts'
import {offered, type PoolRole} from './routing.ts'
import type {ReadFallback} from './settings.ts'
import type {Snapshot} from './snapshot.ts'

/** One server of one backend, as HAProxy tells of it (HAProxy 2.6 management guide, "show servers state" and "show stat"). */
export type HaproxyServer = Readonly<{
  backend: string
  server: string
  address: string
  port: number
  /** Bits: `forcedMaintenance`, `forcedDrain`; others cannot be lifted over the runtime API, and 4 only remembers that the file says `disabled`. */
  adminState: number
  sessions: number
}>

/** One command and what it is for. `stop` must be verified before any `start`. */
export type HaproxyStep = Readonly<{kind: 'stop' | 'cut' | 'start'; backend: string; server: string; command: string; why: string}>
export type HaproxyPlan = Readonly<{
  /** In order: all stops, then cuts, then - once the stops are verified - starts. */
  steps: readonly HaproxyStep[]
  /** Servers of write backends whose successor stands: whoever is still connected to them must go, also in old workers. */
  deposed: readonly Readonly<{backend: string; server: string}>[]
  /** What keeps the whole wish from being met: an unknown backend, a server that is no host of ours. */
  problems: readonly string[]
}>

export type HaproxyWish = Readonly<{backends: Readonly<Record<string, PoolRole>>; fallback: (group: string) => ReadFallback}>

/** Of `srv_admin_state` (HAProxy 2.6 management guide, "show servers state"): by `disabled` or at run time. */
const [forcedMaintenance, forcedDrain] = [0x01, 0x08]

/**
 * What must be said to one HAProxy so that it follows `snapshot` (DESIGN 9). The order is a safety property: what must stop goes first, so that two
 * writers are never up; sessions of a deposed primary are cut where its successor stands - a backend was seen committing 3.9 s after its
 * postmaster died - and never for bare unavailability. Hosts of a group that is being asked for the first time (V0) stay as they are: routing stands
 * while a daemon restarts. Idempotent: a HAProxy that already agrees gets an empty plan.
 */
export function planHaproxy(wish: HaproxyWish, servers: readonly HaproxyServer[], snapshot: Snapshot): HaproxyPlan {
  const problems: string[] = []
  const steps: HaproxyStep[] = []
  const deposed: HaproxyServer[] = []
  for (const [backend, role] of Object.entries(wish.backends)) {
    const members = servers.filter((server) => server.backend === backend)
    if (members.length === 0)
      problems.push(`there is no backend "${backend}", or it has no servers: correct haproxy.backends, or haproxy.cfg`)
    const known = members.flatMap((server) => {
      const host = hostOfServer({name: server.server, address: server.address, port: server.port}, snapshot)?.host ?? null
      if (host === null)
        problems.push(
          `server ${backend}/${server.server} (${server.address}:${server.port}) is no host of ours: name it like one, or give it a host's address; it is left alone`,
        )
      return host === null || isUnasked(host, snapshot) ? [] : [{server, host}]
    })
    const hosts = known.map(({host}) => host)
    const found = offered(role, hosts, snapshot, wish.fallback)
    const isAmbiguous = role === 'primary' && found.length > 1
    const wanted = isAmbiguous ? [] : found
    if (isAmbiguous) {
      problems.push(
        `backend "${backend}" has the primaries of several groups (${found.join(', ')}), so none is started: make a backend per group`,
      )
    }
    for (const {server, host} of known) steps.push(...stepsFor(server, host, role, wanted))
    if (role === 'primary' && wanted.length > 0) deposed.push(...known.filter(({host}) => !wanted.includes(host)).map(({server}) => server))
  }
  const rank = {stop: 0, cut: 1, start: 2}
  return {steps: steps.sort((a, b) => rank[a.kind] - rank[b.kind]), deposed, problems}
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
      : [{kind: 'start', backend, server, command: `set server ${name} state ready`, why: `${host} may serve as ${role}`}]
  }
  const isStopped = (adminState & forcedMaintenance) !== 0
  const stop = isStopped
    ? []
    : [{kind: 'stop' as const, backend, server, command: `set server ${name} state maint`, why: `${host} may not serve as ${role}`}]
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

const isUnasked = (host: string, snapshot: Snapshot): boolean =>
  snapshot.hosts[host]?.groups.some((group) => snapshot.groups[group]?.verdict.rule === 'V0') ?? false
