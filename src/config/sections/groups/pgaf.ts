import {resolve} from 'node:path'
import {formatDuration} from '../../../core/duration.ts'
import type {PgafSettings} from '../../../core/settings.ts'
import {oneConnection} from '../../libpq/dsn-hosts.ts'
import {duration, integer, scalar, text} from '../../reading/scalar.ts'
import {below, named, section} from '../../reading/section.ts'
import {describe, type Read} from '../../reading/shape.ts'
import {maskedUri, passwordFileOf} from '../connection-uri.ts'
import type {Context} from '../context.ts'
import {type Document, given} from '../document.ts'
import {refuseStrangers} from './node-names.ts'

export const pgafShape = describe(
  'asks the monitor of pg_auto_failover; confirm: [pgaf] requires what it says',
  section({
    monitor: describe(
      'connection string of the monitor: postgres://pgroute66@10.0.0.9/pg_auto_failover',
      scalar<string | null>(null, {type: 'string'}, (value) => value),
    ),
    password_file: describe("file with the role's plain password on the monitor", text(null)),
    formation: describe('the formation of the hosts', text('default')),
    group: describe('the number of the group in the formation', integer(0, 0, 1_000_000)),
    node: describe(
      "the monitor's nodename of a host; default: by address and port, else the name of the host",
      named(text(''), () => true),
    ),
    max_age: describe('an older report of the node does not count', duration(10_000)),
  }),
)
export type PgafFields = Read<typeof pgafShape>

export const monitorDefaults = {user: 'pgroute66', dbname: 'pg_auto_failover'}

/** `hosts`: of the group. */
export function pgafSettings(
  {monitor, password_file, formation, group, node, max_age}: PgafFields,
  hosts: readonly string[],
  path: string,
  {directory, env, report}: Context,
): PgafSettings {
  const at = below(path, 'monitor')
  if (monitor === null && report.isClean(at)) {
    const next = 'Write its connection string: postgres://pgroute66@10.0.0.9/pg_auto_failover.'
    report.refuse(at, 'CONFIG_MISSING', 'is missing', next)
  }
  refuseStrangers(node, hosts, path, report)
  const passwordFile = password_file && resolve(directory, password_file)
  const around = {env, directory, encoding: 'plain', report} as const
  return {
    monitor: oneConnection({dsn: monitor, passwordFile, defaults: monitorDefaults}, at, around),
    formation,
    group,
    nodes: Object.fromEntries(node),
    maxAgeMs: max_age,
  }
}

export const pgafDocument = ({monitor, formation, group, nodes, maxAgeMs}: PgafSettings): Document =>
  given({
    monitor: maskedUri(monitor),
    password_file: passwordFileOf(monitor),
    formation,
    group,
    node: Object.keys(nodes).length > 0 ? nodes : null,
    max_age: formatDuration(maxAgeMs),
  })
