import {nodeOfHost} from '../../../core/ha-tools/repmgr.ts'
import type {HostSettings, RepmgrSettings} from '../../../core/settings.ts'
import type {Report} from '../../reading/report.ts'
import {text} from '../../reading/scalar.ts'
import {named, section} from '../../reading/section.ts'
import {describe, type Read} from '../../reading/shape.ts'
import type {Document} from '../document.ts'
import {refuseStrangers} from './node-names.ts'

export const repmgrDefaults = {dbname: 'repmgr', schema: 'repmgr'}

export const repmgrShape = describe(
  'reads repmgr.nodes on each host; confirm: [repmgr] requires what it says',
  section({
    dbname: describe("the database with repmgr's tables", text(repmgrDefaults.dbname)),
    schema: describe('the schema that holds the table nodes', text(repmgrDefaults.schema)),
    node: describe(
      "repmgr's node_name of a host, where it is not the name of the host",
      named(text(''), () => true),
    ),
  }),
)
export type RepmgrFields = Read<typeof repmgrShape>

type Members = Readonly<{hosts: readonly string[]; all: readonly HostSettings[]}>

/** `hosts`: of the group. Reports nodes of unknown hosts, and two hosts that are one node. */
export function repmgrSettings(
  {dbname, schema, node}: RepmgrFields,
  hosts: readonly string[],
  path: string,
  report: Report,
): RepmgrSettings {
  const settings: RepmgrSettings = {dbname, schema, nodes: Object.fromEntries(node)}
  refuseStrangers(node, hosts, path, report)
  const byNode = Map.groupBy(hosts, (host) => nodeOfHost(settings, host))
  for (const [folded, same] of byNode) {
    if (same.length < 2) continue
    const message = `gives ${same.join(' and ')} one node, "${folded}": case, "_" and "-" do not tell nodes apart`
    report.refuse(path, 'CONFIG_CONFLICT', message, 'Write the node_name of each host under repmgr.node.')
  }
  return settings
}

/**
 * repmgr counts the nodes of one location. `location` of a host says so before the daemon has read it
 * from the table.
 */
export function warnOfFewNodes({hosts, all}: Members, path: string, report: Report): void {
  const located = all.filter(({name}) => hosts.includes(name))
  const byLocation = Map.groupBy(located, ({location}) => location?.toLowerCase() ?? null)
  for (const [location, {length}] of byLocation) {
    if (length > 2) continue
    const where = location === null ? 'the group' : `location ${location}`
    const message = `has ${length} ${length === 1 ? 'host' : 'hosts'} in ${where}: repmgr confirms with three or more`
    report.warn(path, message, 'Add data nodes there. The witness has no vote.')
  }
}

export const repmgrDocument = ({dbname, schema, nodes}: RepmgrSettings): Document => ({
  dbname,
  schema,
  ...(Object.keys(nodes).length > 0 && {node: nodes}),
})
