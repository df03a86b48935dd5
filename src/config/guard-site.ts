import type {GuardSettings} from '../core/node/guard-settings.ts'
import {enumerate} from '../core/phrases.ts'
import type {MonitorSettings} from '../core/settings.ts'
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
  const gated = [...guard.rules.readWrite, ...guard.rules.readOnly]
  for (const {name, connection} of hosts)
    if (gated.includes(connection.user)) {
      const text = `gates ${connection.user}, the user by which pgroute66 itself asks ${name}`
      report.refuse('guard.users', 'CONFIG_CONFLICT', text, 'Gate the users of applications, and not this one.')
      break
    }
}

/** What the process `guard` runs on. The reader of harepd's file makes such a value, too. */
export type GuardSite = Readonly<{
  guard: GuardSettings
  /** Of this machine, by name. */
  host: string
  group: string
  /** The hosts of the group alone, with the neighbours as its peers. */
  monitor: MonitorSettings
  /** What neighbours ask; `null`: they cannot ask this guard by gRPC. */
  grpc: GrpcSettings | null
}>
