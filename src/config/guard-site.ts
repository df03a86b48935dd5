import {BlockList, isIP} from 'node:net'
import {OperatorError} from '../core/errors.ts'
import {answersCountFor, type GuardSettings} from '../core/node/guard-settings.ts'
import {enumerate} from '../core/phrases.ts'
import type {HostSettings, MonitorSettings} from '../core/settings.ts'
import type {Config, GrpcSettings} from './config.ts'
import type {Report} from './reading/report.ts'

type Around = Pick<Config, 'guard' | 'local' | 'hosts' | 'groups'>

/**
 * What the guard asks of hosts and groups, once both are known: two majorities must share a voter,
 * so every guard of a group has the same voters.
 */
export function checkGuard({guard, local, hosts, groups}: Around, report: Report): void {
  if (guard === null || local === null || !report.isClean('guard', 'local', 'hosts', 'groups')) return
  const own = groups.filter((group) => group.hosts.includes(local))
  const [group, ...more] = own
  if (group === undefined || more.length > 0) {
    const text = `${group === undefined ? 'no group has' : `${own.length} groups have`} the local host ${local}`
    report.refuse('guard', 'CONFIG_CONFLICT', `is for one group, and ${text}`, 'Put the host into one group.')
    return
  }
  const voters = guard.neighbours.length
  const others = group.hosts.length - 1
  // A list for all hosts may name this host's own guard, which leaves itself out.
  if (guard.quorum === 'majority' && (voters === 0 || (voters !== others && voters !== others + 1))) {
    const text = `names ${voters}, and the group has ${others} other hosts (${enumerate(group.hosts)})`
    const next = 'Name the guard of each other host: with other voters, two halves could each have a majority.'
    report.refuse('guard.neighbours', 'CONFIG_CONFLICT', text, next)
  }
  if (guard.quorum === 'any') {
    const text = "is harepd's rule: in some partitions both halves open their gates"
    report.warn('guard.quorum', text, 'Write majority once every neighbour runs pgroute66 guard.')
    if (voters === 0)
      report.refuse('guard.neighbours', 'CONFIG_MISSING', 'is missing', 'Name the guard of each other host.')
  }
  if (guard.fence === 'nft') checkFence(guard.rules.addresses, hosts, report)
  const gated = [...guard.rules.readWrite, ...guard.rules.readOnly]
  for (const {name, connection} of hosts)
    if (gated.includes(connection.user)) {
      const text = `gates ${connection.user}, the user by which pgroute66 itself asks ${name}`
      report.refuse('guard.users', 'CONFIG_CONFLICT', text, 'Gate the users of applications, and not this one.')
      break
    }
}

/** The fence knows addresses and no users: it must not cut the database hosts from each other. */
function checkFence(addresses: readonly string[], hosts: Config['hosts'], report: Report): void {
  for (const [index, address] of addresses.entries()) {
    const path = `guard.addresses[${index}]`
    if (address === 'local') continue
    const [net = '', bits] = address.split('/')
    const family = isIP(net) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) {
      const text = `is ${address}, and fence: nft needs addresses`
      report.refuse(path, 'CONFIG_CONFLICT', text, 'Write the addresses of applications and routers with their masks.')
      continue
    }
    const range = new BlockList()
    range.addSubnet(net, Number(bits), family)
    const inside = hosts.find(({connection: {host, hostaddr}}) => {
      const at = hostaddr ?? host
      return isIP(at) !== 0 && range.check(at, isIP(at) === 6 ? 'ipv6' : 'ipv4')
    })
    if (inside === undefined) continue
    const text = `is ${address}, and holds ${inside.name}: fence: nft would cut its replication and its questions`
    report.refuse(path, 'CONFIG_CONFLICT', text, 'Write the addresses of applications and routers alone.')
  }
}

/** What the process `guard` runs on. */
export type GuardSite = Readonly<{
  guard: GuardSettings
  /** The host of this machine. */
  host: HostSettings
  group: string
  /** The hosts of the group alone, with the neighbours as its peers. */
  monitor: MonitorSettings
  /** What neighbours ask; `null`: they cannot ask this guard by gRPC. */
  grpc: GrpcSettings | null
}>

/** Throws OperatorError where the file is for no guard. */
export function guardSiteOf({guard, local, hosts, groups, grpc, ...rest}: Config): GuardSite {
  const group = groups.find((each) => local !== null && each.hosts.includes(local))
  const host = hosts.find(({name}) => name === local)
  if (guard === null || group === undefined || host === undefined)
    throw new OperatorError(
      'GUARD_CONFIG',
      `${rest.path ?? 'the configuration'} has no section guard`,
      'Add "guard:" as in docs/guard.md, on each database host.',
    )
  const {probe, followers} = rest
  return {
    guard,
    host,
    group: group.name,
    grpc: guard.grpc ?? grpc,
    monitor: {
      hosts: hosts.filter(({name}) => group.hosts.includes(name)),
      groups: [{...group, ...sqlAlone, peers: guard.neighbours, witness: guard.witness}],
      probe: {
        ...probe,
        intervalMs: Math.min(probe.intervalMs, guard.intervalMs),
        maxAgeMs: Math.min(probe.maxAgeMs, answersCountFor(guard)),
      },
      followers,
      availability: null,
      stateDir: null,
    },
  }
}

/** Who votes is SQL and the neighbours: no other word opens a gate, and none that is old. */
const sqlAlone = {
  confirm: ['peers'],
  onSilent: 'deny',
  onSplitBrain: 'refuse',
  onLossyPromotion: 'tell',
  sustainMs: 0,
  repmgr: null,
  pgaf: null,
  patroni: null,
} as const
