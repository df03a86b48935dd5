import {staleOf} from '../core/facts/stale.ts'
import type {HostSettings} from '../core/settings.ts'
import type {GroupState, HostState, Snapshot} from '../core/snapshot.ts'
import {usualSituation} from '../core/verdict/situation.ts'

/** One group of a snapshot, with its hosts. */
export type Part = Readonly<{group: GroupState; hosts: readonly HostState[]}>

/** `null`: the snapshot does not have the group. */
export function partIn({groups, hosts}: Snapshot, name: string): Part | null {
  const group = Object.hasOwn(groups, name) ? groups[name] : undefined
  if (group === undefined) return null
  return {group, hosts: group.hosts.flatMap((host) => (Object.hasOwn(hosts, host) ? (hosts[host] ?? []) : []))}
}

/** Before any instance has told of the group: nothing is known, and routers stay as they are. */
export function untoldPart(
  {name, hosts}: Readonly<{name: string; hosts: readonly string[]}>,
  settings: ReadonlyMap<string, HostSettings>,
  wall: number,
): Part {
  const why = 'no instance of the set has told of this group yet'
  return {
    group: {
      name,
      hosts,
      verdict: {
        kind: 'starting',
        rule: 'V0',
        situation: usualSituation.V0,
        primary: null,
        routedTo: null,
        primaries: [],
        blind: [],
        why,
        since: wall,
      },
      evidence: [],
      owner: null,
    },
    hosts: hosts.map((host) => untoldHost(host, settings.get(host), {group: name, wall})),
  }
}

const untoldHost = (
  host: string,
  settings: HostSettings | undefined,
  {group, wall}: Readonly<{group: string; wall: number}>,
): HostState => ({
  host,
  role: 'unavailable',
  cause: null,
  detail: null,
  blind: false,
  since: wall,
  askedAt: null,
  address: settings?.connection.host ?? host,
  addresses: [settings?.connection.host ?? host],
  port: settings?.connection.port ?? 5432,
  groups: [group],
  location: settings?.location ?? null,
  drained: null,
  serverVersion: null,
  clusterName: null,
  systemIdentifier: null,
  startedAt: null,
  probeMs: null,
  availability: null,
})

/**
 * Until when the last that was seen of a group may be told, once its source is gone: until the oldest
 * answer in it is too old. Monotonic; what no answer holds up is over now.
 */
export function heldUntil({hosts}: Part, now: number, maxAgeMs: number): number {
  const asked = hosts.flatMap(({role, askedAt}) => (role === 'unavailable' || askedAt === null ? [] : [askedAt]))
  return asked.length === 0 ? now - 1 : Math.min(...asked) + maxAgeMs
}

/** No instance tells of the group now. */
export function staleOfPart({group, hosts}: Part, at: Readonly<{now: number; wall: number}>): Part {
  const who = group.owner ? `instance ${group.owner.instance}, the owner of group ${group.name},` : 'its owner'
  const snapshot: Snapshot = {
    epoch: '',
    sequence: 0,
    at: at.wall,
    ready: true,
    version: '',
    maxAgeMs: 0,
    groups: {[group.name]: group},
    hosts: Object.fromEntries(hosts.map((host) => [host.host, host])),
    actuators: {},
    maintenance: null,
  }
  const stale = partIn(staleOf(snapshot, `${who} no longer tells of it`, at), group.name)
  return stale ?? {group, hosts}
}
