import {resolve} from 'node:path'
import type {PgbouncerDatabase, PgbouncerSettings} from '../../../core/actuator-settings.ts'
import {formatDuration} from '../../../core/duration.ts'
import {oneConnection} from '../../libpq/dsn-hosts.ts'
import {alternative} from '../../reading/alternative.ts'
import {orAbsent} from '../../reading/or-absent.ts'
import {choice, duration, scalar, text} from '../../reading/scalar.ts'
import {below, type Keys, list, named, section} from '../../reading/section.ts'
import {describe, type Read, type Shape} from '../../reading/shape.ts'
import {isText} from '../../reading/yaml-node.ts'
import {maskedUri, passwordFileOf} from '../connection-uri.ts'
import type {Context} from '../context.ts'
import {type Document, given} from '../document.ts'
import {type GroupNames, groupNamed, groupNames} from '../groups/group-names.ts'
import type {Section} from '../section.ts'
import {onlyOnce} from './only-once.ts'
import {poolRoles} from './pool-roles.ts'

const database = section(
  {
    role: describe('where its clients go', choice('primary', poolRoles)),
    group: describe('needed where there are several groups', text(null)),
    dbname: describe('the database on the server; default: the same name', text(null)),
    options: describe('added to the line of the database unchanged: pool_size=20', text(null)),
  },
  {synonyms: {database: 'dbname', db: 'dbname'}},
)
const databaseByRole: Shape<Read<typeof database>> = {
  absent: database.absent,
  schema: {enum: poolRoles},
  read: (node, path, report) => ({...database.absent, role: choice('primary', poolRoles).read(node, path, report)}),
}
const entry = section({
  admin: describe(
    'connection string of the admin console: postgres://pgbouncer@127.0.0.1:6432/pgbouncer',
    scalar<string | null>(null, {type: 'string'}, (value) => value),
  ),
  password_file: describe(
    "file with the admin's plain password; default: the connection string's, then .pgpass",
    text(null),
  ),
  include: describe('the file that the daemon writes; pgbouncer.ini names it with %include', text(null)),
  databases: describe(
    'the databases that follow the verdict',
    named(alternative(isText, databaseByRole, database), () => true),
  ),
  pause: describe('longest PAUSE during a switch; default: no PAUSE', orAbsent(duration(null, 10))),
})
const keys = {pgbouncer: describe('PgBouncers that the daemon points at the primary', list(entry))}

type Fields = Keys<typeof keys> & GroupNames & Readonly<{cluster: object | null}>

const console = {user: 'pgbouncer', dbname: 'pgbouncer'}

/** The PgBouncers whose databases follow the verdict. */
export const pgbouncerSection = {
  keys,
  settings(fields: Fields, context: Context): {pgbouncer: readonly PgbouncerSettings[]} {
    const {report} = context
    const names = groupNames(fields)
    const bouncers = fields.pgbouncer.map((each, index) => bouncerOf(each, `pgbouncer[${index}]`, names, context))
    const pgbouncer = sharingFiles(bouncers, report)
    if (fields.cluster !== null) refuseShared(bouncers, report)
    onlyOnce(
      bouncers.map(({admin}, index) =>
        report.isClean(`pgbouncer[${index}].admin`) ? `${admin.hostaddr ?? admin.host}:${admin.port}` : '',
      ),
      (index) => `pgbouncer[${index}].admin`,
      report,
    )
    return {pgbouncer}
  },
  document: ({pgbouncer}) => ({pgbouncer: pgbouncer.map(bouncerDocument)}),
} satisfies Section

/** Of a set, each instance points the PgBouncers of its own machine at the primary. */
function refuseShared(bouncers: readonly PgbouncerSettings[], report: Context['report']): void {
  for (const [index, {admin}] of bouncers.entries()) {
    const host = admin.hostaddr ?? admin.host
    const path = `pgbouncer[${index}].admin`
    if (/^(\/|127\.|::1$|localhost$)/.test(host) || !report.isClean(path)) continue
    const message = 'is a network address, and several instances of the set would point this PgBouncer at a primary'
    report.refuse(path, 'CONFIG_CLUSTER', message, 'Run an instance beside the PgBouncer: 127.0.0.1, or its socket.')
  }
}

/**
 * Several PgBouncers may read one include file, so their entries must have the same databases. The
 * order of the first entry counts, because it is the order of the file.
 */
function sharingFiles(bouncers: readonly PgbouncerSettings[], report: Context['report']): readonly PgbouncerSettings[] {
  return bouncers.map((bouncer, index) => {
    const first = bouncers.findIndex(({include}) => include === bouncer.include)
    const {databases} = bouncers[first] ?? bouncer
    const path = `pgbouncer[${index}].databases`
    const clean = report.isClean(path, `pgbouncer[${index}].include`, `pgbouncer[${first}].databases`)
    if (clean && sorted(databases) !== sorted(bouncer.databases)) {
      const what = `differs from pgbouncer[${first}].databases, and both entries write ${bouncer.include}`
      report.refuse(path, 'CONFIG_CONFLICT', what, 'Write the same databases in both, or another include.')
    }
    return {...bouncer, databases}
  })
}

const sorted = (databases: PgbouncerSettings['databases']): string =>
  JSON.stringify(Object.entries(databases).toSorted(([one], [other]) => (one < other ? -1 : 1)))

function bouncerOf(
  read: Read<typeof entry>,
  path: string,
  groups: readonly string[],
  {directory, report, env}: Context,
): PgbouncerSettings {
  const missing = (key: 'admin' | 'include', next: string) => {
    if (read[key] === null && report.isClean(below(path, key)))
      report.refuse(below(path, key), 'CONFIG_MISSING', 'is missing', next)
  }
  missing('admin', 'Write the connection string of its admin console: postgres://pgbouncer@127.0.0.1:6432/pgbouncer.')
  missing('include', 'Name a file that only pgroute66 writes, and add "%include THAT_FILE" to pgbouncer.ini.')
  if (read.databases.size === 0 && report.isClean(below(path, 'databases'))) {
    report.refuse(
      below(path, 'databases'),
      'CONFIG_MISSING',
      'names no database',
      'Write "databases: {app: {role: primary}}".',
    )
  }
  const databases = [...read.databases].map(([name, {role, group, dbname, options}]): [string, PgbouncerDatabase] => {
    groupNamed(group, below(path, `databases.${name}`), groups, report)
    // The daemon writes the name into a file of PgBouncer, where a quote or a line break ends it.
    if (!/^[A-Za-z0-9_.*-]{1,63}$/.test(name)) {
      const next = 'Use letters, digits, "_", "-" and "."; name another database with dbname.'
      report.refuse(below(path, 'databases'), 'CONFIG_VALUE', 'has a name that PgBouncer would misread', next)
    }
    return [name, {role, group, dbname, options}]
  })
  const passwordFile = read.password_file && resolve(directory, read.password_file)
  const around = {env, directory, encoding: 'plain', report} as const
  return {
    admin: oneConnection({dsn: read.admin, passwordFile, defaults: console}, below(path, 'admin'), around),
    include: resolve(directory, read.include ?? ''),
    databases: Object.fromEntries(databases),
    pauseMs: read.pause,
  }
}

function bouncerDocument({admin, include, databases, pauseMs}: PgbouncerSettings): Document {
  return given({
    admin: maskedUri(admin),
    password_file: passwordFileOf(admin),
    include,
    databases: Object.fromEntries(Object.entries(databases).map(([name, each]) => [name, given({...each})])),
    pause: pauseMs === null ? null : formatDuration(pauseMs),
  })
}
