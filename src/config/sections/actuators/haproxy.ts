import {resolve} from 'node:path'
import type {HaproxyInstance, HaproxySettings} from '../../../core/actuator-settings.ts'
import {formatDuration} from '../../../core/duration.ts'
import {orAbsent} from '../../reading/or-absent.ts'
import type {Report} from '../../reading/report.ts'
import {choice, duration, text} from '../../reading/scalar.ts'
import {below, type Keys, list, named, section} from '../../reading/section.ts'
import {describe} from '../../reading/shape.ts'
import type {Context} from '../context.ts'
import {given} from '../document.ts'
import type {Section} from '../section.ts'
import {onlyOnce} from './only-once.ts'
import {poolRoles} from './pool-roles.ts'

const backends = describe(
  'HAProxy backend → the role that its servers must have',
  named(choice('primary', poolRoles), () => true),
)
const frontends = describe(
  'frontend → its backend, so that a switchover can make clients wait; a "listen" section needs none',
  named(text(null), () => true),
)
const instance = section(
  {
    socket: describe('path of the unix socket, or host:port', text(null)),
    master_socket: describe("the master process' socket; with it, sessions of old workers are cut too", text(null)),
    backends: orAbsent(backends),
  },
  {synonyms: {stats_socket: 'socket', admin_socket: 'socket', path: 'socket'}},
)
const keys = {
  haproxy: describe(
    'the HAProxies that the daemon pushes to, and the roles of their backends',
    section(
      {
        backends,
        frontends,
        instances: describe('HAProxies that the daemon pushes to, over the stats socket (level admin)', list(instance)),
        resync: describe('how often the daemon reads and corrects every HAProxy and PgBouncer', duration(1_000, 100)),
      },
      {synonyms: {instance: 'instances', backend: 'backends'}},
    ),
  ),
}
type HaproxyFields = Keys<typeof keys>['haproxy']

/** The HAProxies that the daemon pushes to, and the roles of their backends. */
export const haproxySection = {
  keys,
  settings({haproxy}: Keys<typeof keys>, context: Context): {haproxy: HaproxySettings} {
    const general = Object.fromEntries(haproxy.backends)
    const frontends = Object.fromEntries([...haproxy.frontends].map(([name, backend]) => [name, backend ?? '']))
    const instances = haproxy.instances.map((each, index) =>
      instanceOf(each, general, `haproxy.instances[${index}]`, context),
    )
    onlyOnce(
      instances.map(({socket}) => socket),
      (index) => `haproxy.instances[${index}].socket`,
      context.report,
    )
    return {haproxy: {backends: general, frontends, instances, resyncMs: haproxy.resync}}
  },
  document: ({haproxy}) => ({
    haproxy: {
      backends: {...haproxy.backends},
      frontends: {...haproxy.frontends},
      instances: haproxy.instances.map(({socket, masterSocket, backends: own}) =>
        given({socket, master_socket: masterSocket, backends: {...own}}),
      ),
      resync: formatDuration(haproxy.resyncMs),
    },
  }),
} satisfies Section

function instanceOf(
  read: HaproxyFields['instances'][number],
  general: HaproxyInstance['backends'],
  path: string,
  {directory, report}: Context,
): HaproxyInstance {
  if (read.socket === null && report.isClean(path))
    report.refuse(below(path, 'socket'), 'CONFIG_MISSING', 'is missing', 'Name the stats socket of this HAProxy.')
  const own = read.backends === null ? general : Object.fromEntries(read.backends)
  if (Object.keys(own).length === 0 && report.isClean('haproxy')) {
    const next = 'Name the backends and their roles: "backends: {pg_write: primary, pg_read: replica}".'
    report.refuse(below(path, 'backends'), 'CONFIG_MISSING', 'is missing, and haproxy.backends is missing too', next)
  }
  return {
    socket: runtimeAddress(read.socket, below(path, 'socket'), directory, report) ?? '',
    masterSocket: runtimeAddress(read.master_socket, below(path, 'master_socket'), directory, report),
    backends: own,
  }
}

/** A unix socket's path, or `host:port`. HAProxy's own prefixes (`unix@`, `ipv4@`) are taken too. */
function runtimeAddress(address: string | null, path: string, directory: string, report: Report): string | null {
  if (address === null) return null
  const bare = address.replace(/^(unix|ipv4|ipv6)@/, '')
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^/:\s]+):(\d{1,5})$/.exec(bare)?.[1])
  if (port > 0 && port < 65_536) return bare
  if (bare.includes('/')) return resolve(directory, bare)
  report.refuse(
    path,
    'CONFIG_VALUE',
    `${report.quote(address, /^[\w.:[\]-]{1,64}$/)}is neither a path nor host:port`,
    'Write /run/haproxy/admin.sock, or 10.0.0.9:9999.',
  )
  return null
}
