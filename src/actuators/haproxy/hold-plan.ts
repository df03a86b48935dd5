import {holdOn} from '../../core/offers/held.ts'
import type {PoolRole} from '../../core/offers/pools.ts'
import {findServer} from '../../core/offers/server-lookup.ts'
import type {HeldState, Snapshot} from '../../core/snapshot.ts'
import {type HaproxyServer, matchServer} from './match.ts'

/** One frontend: its `maxconn` (0: new clients wait in the kernel), by `slim` of "show stat". */
export type HaproxyFrontend = Readonly<{frontend: string; limit: number}>

export type HoldQuestion = Readonly<{
  backends: Readonly<Record<string, PoolRole>>
  /** Frontend → the backend that it leads to, for those that have another name than their backend. */
  frontends: Readonly<Record<string, string>>
  observed: Readonly<{
    servers: readonly HaproxyServer[]
    frontends: readonly HaproxyFrontend[]
    /** `2.6.12-1+deb12u4` */
    version: string
  }>
  /** What this daemon holds: frontend → the `maxconn` that it had. */
  kept: Readonly<Record<string, number>>
  snapshot: Snapshot
}>

/** `holds` and `releases`: the commands. `kept`: what is held once they are done. */
export type HoldPlan = Readonly<{
  holds: readonly string[]
  /** To be sent once the rest of HAProxy is in step: clients go to the new writer then. */
  releases: readonly string[]
  kept: Readonly<Record<string, number>>
  held: HeldState | null
}>

/**
 * How HAProxy makes the writers of a group wait (HAProxy 2.6 management guide, "set maxconn
 * frontend"): with `maxconn` 0 a frontend accepts no client, and the kernel keeps those that connect.
 * Open sessions go on until they end. Before 3.1 HAProxy may abort when the limit is raised again
 * (its issue 2726; seen with 2.6.12), so there the server of the old primary goes to `maint`: new
 * clients are refused for as long as the switch takes.
 */
export function planHold({backends, frontends, observed, kept, snapshot}: HoldQuestion): HoldPlan {
  const {hold} = snapshot
  const concerned = hold ? backendsOf(hold.group, {backends, observed, snapshot}) : []
  const isInForce = hold ? holdOn(snapshot, hold.group) !== null : false
  const leading = observed.frontends.filter(({frontend}) => concerned.includes(frontends[frontend] ?? frontend))
  const mayWait = letsWait(observed.version)
  const wanted = isInForce && mayWait ? leading : []
  const isWanted = (frontend: string) => wanted.some((one) => one.frontend === frontend)
  const limitOf = new Map(observed.frontends.map(({frontend, limit}) => [frontend, limit]))
  const closing = wanted.filter(({limit}) => limit > 0)
  // After a reload HAProxy has the limits of its file again, and there is nothing to put back.
  const held = Object.entries(kept).filter(([frontend]) => limitOf.get(frontend) === 0)
  const ending = held.filter(([frontend]) => !isWanted(frontend))
  return {
    holds: closing.map(({frontend}) => limitCommand(frontend, 0)),
    releases: ending.map(([frontend, limit]) => limitCommand(frontend, limit)),
    kept: Object.fromEntries([
      ...held.filter(([frontend]) => isWanted(frontend)),
      ...closing.map(({frontend, limit}) => [frontend, limit] as const),
    ]),
    held: hold && isInForce && concerned.length > 0 ? heldState(hold.id, {concerned, leading, observed}) : null,
  }
}

/** Raising the limit of a frontend is safe. */
export function letsWait(version: string): boolean {
  const [, major, minor] = (/^(\d+)\.(\d+)/.exec(version) ?? []).map(Number)
  if (major === undefined || minor === undefined) return false
  return major > 3 || (major === 3 && minor >= 1)
}

export const limitCommand = (frontend: string, limit: number): string => `set maxconn frontend ${frontend} ${limit}`

/** Backends for writers with a server that is a host of the group. */
function backendsOf(
  group: string,
  {backends, observed, snapshot}: Pick<HoldQuestion, 'backends' | 'observed' | 'snapshot'>,
): readonly string[] {
  const find = (server: Parameters<typeof findServer>[0]) => findServer(server, snapshot)
  const isOfGroup = (server: HaproxyServer) => {
    const match = matchServer(server, find)
    return match.kind === 'host' && match.host.groups.includes(group)
  }
  const named = Object.entries(backends).flatMap(([backend, role]) => (role === 'primary' ? backend : []))
  return named.filter((backend) => observed.servers.some((server) => server.backend === backend && isOfGroup(server)))
}

function heldState(
  id: string,
  {
    concerned,
    leading,
    observed,
  }: Pick<HoldQuestion, 'observed'> & Readonly<{concerned: readonly string[]; leading: readonly HaproxyFrontend[]}>,
): HeldState {
  const mayWait = letsWait(observed.version)
  if (mayWait && leading.length === 0) {
    const names = concerned.join(', ')
    const why = `no frontend is known for backend ${names}: name it in haproxy.frontends, "{FRONTEND: ${concerned[0]}}"`
    return {id, status: 'impossible', why: [why]}
  }
  const open = observed.servers.filter(({backend, sessions}) => concerned.includes(backend) && sessions > 0)
  const isClosed = mayWait
    ? leading.every(({limit}) => limit === 0)
    : observed.servers.every(({backend, adminState}) => !concerned.includes(backend) || (adminState & 1) !== 0)
  const why = [
    ...open.map(({backend, server, sessions}) => `${backend}/${server} has ${sessions} open sessions`),
    ...(mayWait ? [] : [`HAProxy ${observed.version} refuses new clients meanwhile; from 3.1 on it lets them wait`]),
  ]
  return {id, status: isClosed && open.length === 0 ? 'held' : 'waiting', why}
}
