import {nodeOfHost} from '../../core/ha-tools/repmgr.ts'
import {type Clock, isFailure} from '../../core/ports.ts'
import type {HostSettings, MonitorSettings, RepmgrSettings} from '../../core/settings.ts'
import {deadline} from '../../core/wait.ts'
import type {RepmgrDeps} from './repmgr-sources.ts'
import {electorateOf, type NodeRow, rowsFrom, rowsOf, tableSql} from './table.ts'
import {unreadable} from './unreadable.ts'

/**
 * What `config check --connect` found of repmgr at one host. `node`: `null`: not found. `problems`: what
 * the operator should fix; `notes`: what the operator should know.
 */
export type RepmgrTrial = Readonly<{
  host: string
  node: Readonly<{name: string; type: string; location: string}> | null
  problems: readonly string[]
  notes: readonly string[]
}>

/** For one host. */
const limitMs = 10_000
/** With fewer data nodes, the loss of one stops writes. */
const fewest = 3

/** Tries each host of each group with `repmgr`, all at the same time. Never rejects. */
export async function tryRepmgr(
  {hosts, groups, probe}: Pick<MonitorSettings, 'hosts' | 'groups' | 'probe'>,
  open: RepmgrDeps['open'],
  clock: Clock,
): Promise<readonly RepmgrTrial[]> {
  const tries = groups.flatMap(({hosts: names, repmgr}) =>
    repmgr === null
      ? []
      : hosts
          .filter(({name}) => names.includes(name))
          .map((host) => tryHost(host, repmgr, open(host, repmgr.dbname, probe), clock)),
  )
  return await Promise.all(tries)
}

async function tryHost(
  host: HostSettings,
  settings: RepmgrSettings,
  open: ReturnType<RepmgrDeps['open']>,
  clock: Clock,
): Promise<RepmgrTrial> {
  using limit = deadline(clock, limitMs)
  const session = await open(limit.signal)
  const rows = isFailure(session) ? session : await session.ask(tableSql(settings.schema), limit.signal)
  if (!isFailure(session)) session.close()
  if (!isFailure(rows)) return judged(host, rowsFrom(rows), settings)
  return {host: host.name, node: null, problems: [unreadable(rows, host, settings).detail], notes: []}
}

function judged({name: host, location}: HostSettings, rows: readonly NodeRow[], settings: RepmgrSettings): RepmgrTrial {
  const node = nodeOfHost(settings, host)
  const [row, ...others] = rowsOf(rows, node)
  if (row === undefined || others.length > 0) {
    const known = rows.map(({name}) => name).join(', ') || 'none'
    const fault = row === undefined ? 'is not registered' : 'is registered more than once'
    const problem = `node "${node}" ${fault}; nodes: ${known}. Set repmgr.node.${host} to its node_name`
    return {host, node: null, problems: [problem], notes: []}
  }
  const {type, name} = row
  const voters = electorateOf(rows, row).length
  const nodes = `${voters} data ${voters === 1 ? 'node' : 'nodes'}`
  const few = `location ${row.location} has ${nodes}, and a vote needs ${fewest}`
  return {
    host,
    node: {name, type, location: row.location},
    problems: [
      ...(type === 'witness'
        ? [`node "${name}" is the witness, which is no host of the cluster: remove it from hosts`]
        : []),
      ...(location !== null && location.toLowerCase() !== row.location.toLowerCase()
        ? [`its location is ${row.location} for repmgr, and ${location} in hosts.${host}.location: correct one of them`]
        : []),
    ],
    notes: voters < fewest ? [few] : [],
  }
}

/** One line per host, and below it one per problem. */
export function repmgrText(trials: readonly RepmgrTrial[]): readonly string[] {
  const width = Math.max(0, ...trials.map(({host}) => host.length))
  return trials.flatMap(({host, node, problems, notes}) => [
    `${host.padEnd(width)}  repmgr: ${nodeText(node)}`,
    ...[...problems, ...notes].map((problem) => `${' '.repeat(width)}  ${problem}`),
  ])
}

const nodeText = (node: RepmgrTrial['node']): string =>
  node === null ? 'cannot be asked' : `node ${node.name}, ${node.type}, location ${node.location}`
