import {resolve} from 'node:path'
import type {
  ActuatorSettings,
  AgentSettings,
  HaproxyInstance,
  HookSettings,
  PgbouncerDatabase,
  PgbouncerSettings,
} from '../../core/actuator-settings.ts'
import type {GroupSettings} from '../../core/settings.ts'
import {adminConnection} from '../libpq/dsn-hosts.ts'
import type {Environment} from '../libpq/environment.ts'
import {nearest} from '../reading/nearest.ts'
import type {Report} from '../reading/report.ts'
import {below} from '../reading/section.ts'
import type {ActuatorFields} from './actuator-shapes.ts'

type Around = Readonly<{directory: string; env: Environment; groups: readonly GroupSettings[]; report: Report}>

/** What is told, and the rules across its keys. Problems go to the report. */
export function actuatorSettings({haproxy, agent, pgbouncer, hooks}: ActuatorFields, around: Around): ActuatorSettings {
  const backends = Object.fromEntries(haproxy.backends)
  const instances = haproxy.instances.map((instance, index) =>
    instanceOf(instance, backends, `haproxy.instances[${index}]`, around),
  )
  onlyOnce(
    instances.map(({socket}) => socket),
    (index) => `haproxy.instances[${index}].socket`,
    around,
  )
  const bouncers = pgbouncer.map((each, index) => pgbouncerSettings(each, `pgbouncer[${index}]`, around))
  onlyOnce(
    bouncers.map(({include}) => include),
    (index) => `pgbouncer[${index}].include`,
    around,
  )
  onlyOnce(
    bouncers.map(({admin}, index) =>
      around.report.isClean(`pgbouncer[${index}].admin`) ? `${admin.hostaddr ?? admin.host}:${admin.port}` : '',
    ),
    (index) => `pgbouncer[${index}].admin`,
    around,
  )
  return {
    haproxy: {
      backends,
      instances,
      resyncMs: haproxy.resync,
    },
    agent: agent && agentSettings(agent),
    pgbouncer: bouncers,
    hooks: hooks.flatMap((each, index) => hookSettings(each, `hooks[${index}]`, around)),
  }
}

/** Two that write to one place would undo each other's work. */
function onlyOnce(places: readonly string[], pathOf: (index: number) => string, {report}: Around): void {
  places.forEach((place, index) => {
    const first = places.indexOf(place)
    if (first < index && place !== '')
      report.refuse(pathOf(index), 'CONFIG_CONFLICT', `is that of ${pathOf(first)}`, 'Make one entry of the two.')
  })
}

const agentSettings = ({bind, port}: AgentSettings): AgentSettings => ({
  bind: bind === '*' ? '::' : bind.replace(/^\[(.*)\]$/, '$1'),
  port,
})

function instanceOf(
  given: ActuatorFields['haproxy']['instances'][number],
  general: HaproxyInstance['backends'],
  path: string,
  {directory, report}: Around,
): HaproxyInstance {
  if (given.socket === null && report.isClean(path))
    report.refuse(below(path, 'socket'), 'CONFIG_MISSING', 'is missing', 'Name the stats socket of this HAProxy.')
  const backends = given.backends === null ? general : Object.fromEntries(given.backends)
  if (Object.keys(backends).length === 0 && report.isClean('haproxy')) {
    const next = 'Name its backends and what each is for: "backends: {pg_write: primary, pg_read: replica}".'
    report.refuse(below(path, 'backends'), 'CONFIG_MISSING', 'is missing, and haproxy.backends too', next)
  }
  return {
    socket: runtimeAddress(given.socket, below(path, 'socket'), directory, report) ?? '',
    masterSocket: runtimeAddress(given.master_socket, below(path, 'master_socket'), directory, report),
    backends,
  }
}

/** A unix socket's path, or `host:port`. HAProxy's own ways to write them are taken as well. */
function runtimeAddress(given: string | null, path: string, directory: string, report: Report): string | null {
  if (given === null) return null
  const bare = given.replace(/^(unix|ipv4|ipv6)@/, '')
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^/:\s]+):(\d{1,5})$/.exec(bare)?.[1])
  if (port > 0 && port < 65_536) return bare
  if (bare.includes('/')) return resolve(directory, bare)
  report.refuse(
    path,
    'CONFIG_VALUE',
    'is neither a path nor host:port',
    'Write /run/haproxy/admin.sock, or 10.0.0.9:9999.',
  )
  return null
}

function pgbouncerSettings(
  given: ActuatorFields['pgbouncer'][number],
  path: string,
  around: Around,
): PgbouncerSettings {
  const {directory, report, env} = around
  const missing = (key: 'admin' | 'include', next: string) => {
    if (given[key] === null && report.isClean(below(path, key)))
      report.refuse(below(path, key), 'CONFIG_MISSING', 'is missing', next)
  }
  missing('admin', 'Write the connection string of its admin console: postgres://pgbouncer@127.0.0.1:6432/pgbouncer.')
  missing('include', 'Name a file of our own, and add "%include THAT_FILE" to pgbouncer.ini.')
  if (given.databases.size === 0 && report.isClean(below(path, 'databases'))) {
    report.refuse(
      below(path, 'databases'),
      'CONFIG_MISSING',
      'names no database',
      'Write "databases: {app: {role: primary}}".',
    )
  }
  const databases = [...given.databases].map(([name, database]): [string, PgbouncerDatabase] => {
    groupNamed(database.group, below(path, `databases.${name}`), around)
    // The file is PgBouncer's: a quote or a line break would begin something else there.
    if (!/^[A-Za-z0-9_.*-]{1,63}$/.test(name)) {
      const next = 'Use letters, digits, "_", "-" and "."; name another database with dbname.'
      report.refuse(below(path, 'databases'), 'CONFIG_VALUE', 'has a name that PgBouncer would misread', next)
    }
    return [name, {role: database.role, group: database.group, dbname: database.dbname, options: database.options}]
  })
  const passwordFile = given.password_file && resolve(directory, given.password_file)
  return {
    admin: adminConnection(given.admin, passwordFile, below(path, 'admin'), {
      env,
      directory,
      encoding: 'plain',
      report,
    }),
    include: resolve(directory, given.include ?? ''),
    databases: Object.fromEntries(databases),
    pauseMs: given.pause,
  }
}

/** With several groups, "primary" alone does not say of which. */
function groupNamed(name: string | null, path: string, {groups, report}: Around): void {
  const names = groups.map((group) => group.name)
  if (name === null && groups.length > 1) {
    report.refuse(
      below(path, 'group'),
      'CONFIG_MISSING',
      'is missing, and there are several groups',
      `Write one of ${names.join(', ')}.`,
    )
  }
  if (name !== null) knownGroup(name, below(path, 'group'), names, report)
}

function knownGroup(name: string, path: string, names: readonly string[], report: Report): void {
  if (names.includes(name)) return
  const near = nearest(name, names)
  report.refuse(
    path,
    'CONFIG_UNKNOWN_GROUP',
    'is no group',
    near ? `Did you mean "${near}"?` : `Write one of ${names.join(', ')}.`,
  )
}

function hookSettings(
  given: ActuatorFields['hooks'][number],
  path: string,
  {directory, groups, report}: Around,
): readonly HookSettings[] {
  const {run, post} = given
  const names = groups.map(({name}) => name)
  given.groups?.forEach((name, index) => {
    knownGroup(name, `${path}.groups[${index}]`, names, report)
  })
  const common = {on: given.on, groups: given.groups, timeoutMs: given.timeout, retries: given.retries}
  const secretFile = given.secret_file && resolve(directory, given.secret_file)
  if ((run === null) === (post === null)) {
    if (report.isClean(path))
      report.refuse(
        path,
        'CONFIG_CONFLICT',
        'needs either run or post',
        'Write "run: [/path/of/command]" or "post: https://…".',
      )
    return []
  }
  if (run !== null && (run[0] ?? '') === '') {
    report.refuse(
      below(path, 'run'),
      'CONFIG_VALUE',
      'names no command',
      'Write a list: [/usr/local/bin/page-me, --now]. No shell reads it.',
    )
    return []
  }
  if (run !== null && secretFile !== null)
    report.refuse(below(path, 'secret_file'), 'CONFIG_CONFLICT', 'is for webhooks', 'Remove it, or use post.')
  if (run !== null) return [{...common, kind: 'run', argv: run}]
  return post === null ? [] : [{...common, kind: 'post', url: post, secretFile}]
}
