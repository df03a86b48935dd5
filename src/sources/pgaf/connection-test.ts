import {newRecord} from '../../core/facts/host-record.ts'
import {type Clock, isFailure} from '../../core/ports.ts'
import type {HostSettings, MonitorSettings, PgafSettings} from '../../core/settings.ts'
import {deadline} from '../../core/wait.ts'
import {nodesFrom, nodesSql} from './formation.ts'
import type {PgafDeps} from './pgaf-sources.ts'
import {nodesOf} from './rules.ts'
import {unreadable} from './unreadable.ts'

/** What `config check --connect` found at the monitor of a group. `problems`: what the operator should fix. */
export type PgafTrial = Readonly<{
  group: string
  monitor: string
  /** By host: its node, and the state that the node reports and is assigned. */
  nodes: Readonly<Record<string, string>>
  problems: readonly string[]
}>

const limitMs = 10_000

/** Asks the monitor of each group with `pgaf`, all at the same time. Never rejects. */
export async function tryPgaf(
  {hosts, groups, probe}: Pick<MonitorSettings, 'hosts' | 'groups' | 'probe'>,
  open: PgafDeps['open'],
  clock: Clock,
): Promise<readonly PgafTrial[]> {
  const tries = groups.flatMap(({name, hosts: names, pgaf}) => {
    if (pgaf === null) return []
    const own = hosts.filter((host) => names.includes(host.name))
    return tryMonitor(name, own, pgaf, {open: open(pgaf.monitor, probe), clock})
  })
  return await Promise.all(tries)
}

async function tryMonitor(
  group: string,
  hosts: readonly HostSettings[],
  settings: PgafSettings,
  {open, clock}: Readonly<{open: ReturnType<PgafDeps['open']>; clock: Clock}>,
): Promise<PgafTrial> {
  const monitor = `${settings.monitor.host}:${settings.monitor.port}`
  using limit = deadline(clock, limitMs)
  const session = await open(limit.signal)
  const rows = isFailure(session) ? session : await session.ask(nodesSql(settings), limit.signal)
  if (!isFailure(session)) session.close()
  if (isFailure(rows)) return {group, monitor, nodes: {}, problems: [unreadable(rows, settings).detail]}
  const known = nodesFrom(rows)
  const found = hosts.map((host) => ({host: host.name, nodes: nodesOf(host.name, newRecord(host), known, settings)}))
  const listed = known.map(({name, host, port}) => `${name} at ${host}:${port}`).join(', ') || 'none'
  return {
    group,
    monitor,
    nodes: Object.fromEntries(
      found.flatMap(({host, nodes: [node]}) =>
        node === undefined ? [] : [[host, `${node.name} (${node.reported}, assigned ${node.assigned})`]],
      ),
    ),
    problems: found.flatMap(({host, nodes}) =>
      nodes.length === 1
        ? []
        : [`${host} is ${nodes.length} nodes of the monitor, not one: set pgaf.node.${host} (${listed})`],
    ),
  }
}

/** One line per monitor, and below it one per host and problem. */
export const pgafText = (trials: readonly PgafTrial[]): readonly string[] =>
  trials.flatMap(({group, monitor, nodes, problems}) => [
    `pgaf of ${group}  monitor ${monitor}: ${problems.length === 0 ? 'fine' : 'to be fixed:'}`,
    ...Object.entries(nodes).map(([host, node]) => `  ${host}: node ${node}`),
    ...problems.map((problem) => `  ${problem}`),
  ])
