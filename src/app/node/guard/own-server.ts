import type {GateServer, RuleProblem} from '../../../actuators/guard/gate.ts'
import {findPostmaster, signalPostmaster} from '../../../actuators/guard/postmaster.ts'
import type {GuardSite} from '../../../config/guard-site.ts'
import type {SqlRows} from '../../../core/evidence/sql-session.ts'
import type {Gate, GateRules, Gates} from '../../../core/node/guard-settings.ts'
import {type Clock, isFailure, type Log} from '../../../core/ports.ts'
import {type ConnectionsOf, sideSessions} from '../../../sources/pg/side-session.ts'

export type OwnServerDeps = Readonly<{clock: Clock; log: Pick<Log, 'warn'>; connectionsOf: ConnectionsOf}>

/**
 * The server of this machine, as the gate asks it: by SQL over the host's own connection, and by SIGHUP
 * where SQL is away. Each question opens a session, so the server may stop at any time.
 */
export function ownServer({host, monitor, guard}: GuardSite, {clock, log, connectionsOf}: OwnServerDeps): GateServer {
  const {connection} = host
  const open = sideSessions(host, connection.dbname, monitor.probe, {clock, admission: null, connectionsOf})
  const told = new Set<string>()
  const answerOf = async (text: string, signal: AbortSignal): Promise<SqlRows | 'not-allowed' | null> => {
    if (signal.aborted) return null
    const session = await open(signal)
    if (isFailure(session)) return null
    try {
      const rows = await session.ask(text, signal)
      if (!isFailure(rows)) return rows
      const grant = rows.sqlstate === '42501' ? grantFor(text, connection.user) : null
      if (grant !== null && !told.has(grant)) log.warn({}, `${connection.user} lacks a right on ${host.name}. ${grant}`)
      if (grant !== null) told.add(grant)
      return grant === null ? null : 'not-allowed'
    } finally {
      session.close()
    }
  }
  const ask = async (text: string, signal: AbortSignal): Promise<SqlRows | null> => {
    const rows = await answerOf(text, signal)
    return rows === 'not-allowed' ? null : rows
  }
  return {
    async hbaFile(signal) {
      const rows = await ask("select pg_catalog.current_setting('hba_file') as file", signal)
      return typeof rows?.[0]?.file === 'string' ? rows[0].file : null
    },
    async problems(signal) {
      const rows = await answerOf(problemsText, signal)
      return rows === 'not-allowed' ? [] : (rows?.map(problemOf) ?? null)
    },
    async holds(gates, signal) {
      const rows = await ask(holdsText(guard.rules, gates), signal)
      return typeof rows?.[0]?.holds === 'boolean' ? rows[0].holds : null
    },
    async reload(signal) {
      const rows = await ask('select pg_catalog.pg_reload_conf() as is_done', signal)
      if (rows?.[0]?.is_done === true || (await signalPostmaster(connection.port, 'SIGHUP'))) return 'reloaded'
      return (await findPostmaster(connection.port)) === null ? 'not-running' : 'failed'
    },
    async terminate(users, signal) {
      if (users.length === 0) return 0
      const rows = await answerOf(terminateText(users, guard.rules.databases), signal)
      return rows === null || rows === 'not-allowed' ? rows : Number(rows[0]?.ended ?? 0)
    },
  }
}

/** `file_name` is there from PostgreSQL 16 on. */
const problemsText =
  "select line_number as line, error, pg_catalog.to_jsonb(r) ->> 'file_name' as file " +
  'from pg_catalog.pg_hba_file_rules() r where error is not null limit 50'

const problemOf = ({line, error, file}: Readonly<Record<string, unknown>>): RuleProblem => ({
  file: typeof file === 'string' ? file : null,
  line: line === null ? null : Number(line),
  error: String(error).replaceAll(/\p{Cc}/gu, ' '),
})

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`

/** Among the rules that PostgreSQL finds now, there is one for each set of users. */
function holdsText({databases, readWrite, readOnly}: GateRules, gates: Gates): string {
  const array = (names: readonly string[]) => `array[${names.map(literal).join(', ')}]::text[]`
  const found = (users: readonly string[], gate: Gate) =>
    'exists (select from pg_catalog.pg_hba_file_rules() r where r.error is null ' +
    `and r.user_name = ${array(users)} and r.database = ${array(databases)} ` +
    `and (r.auth_method = 'reject') = ${gate === 'deny'})`
  const sets = [[readWrite, gates.readWrite] as const, [readOnly, gates.readOnly] as const]
  const asked = sets.flatMap(([users, gate]) => (users.length === 0 ? [] : [found(users, gate)]))
  return `select ${asked.join(' and ')} as holds`
}

/** Sessions that the block gates. `+role`: its members, and no superuser, who is a member of every role. */
export function terminateText(users: readonly string[], databases: readonly string[]): string {
  const names = users.filter((user) => !user.startsWith('+')).map(literal)
  const roles = users.filter((user) => user.startsWith('+')).map((user) => literal(user.slice(1)))
  const whom = [
    ...(names.length > 0 ? [`a.usename in (${names.join(', ')})`] : []),
    ...(roles.length > 0
      ? [
          'exists (select from pg_catalog.pg_roles r, pg_catalog.pg_roles own ' +
            `where r.rolname in (${roles.join(', ')}) and own.oid = a.usesysid and not own.rolsuper ` +
            "and pg_catalog.pg_has_role(a.usesysid, r.oid, 'member'))",
        ]
      : []),
  ]
  const everywhere = databases.some((database) => ['all', 'samerole', 'samegroup'].includes(database))
  const where = databases.map((database) => (database === 'sameuser' ? 'a.usename' : literal(database)))
  return (
    'select pg_catalog.count(*) filter (where pg_catalog.pg_terminate_backend(a.pid)) as ended ' +
    "from pg_catalog.pg_stat_activity a where a.backend_type = 'client backend' " +
    `and a.pid <> pg_catalog.pg_backend_pid() and (${whom.join(' or ')})` +
    (everywhere ? '' : ` and a.datname in (${where.join(', ')})`)
  )
}

/** What the role of the guard needs (docs/guard.md). */
function grantFor(text: string, user: string): string | null {
  if (text.includes('pg_hba_file_rules')) return `Run: GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO ${user};`
  if (text.includes('pg_reload_conf')) return `Run: GRANT EXECUTE ON FUNCTION pg_reload_conf() TO ${user};`
  if (text.includes('pg_terminate_backend')) return `Run: GRANT pg_signal_backend TO ${user};`
  if (text.includes('hba_file')) return `Set guard.hba_file, or run: GRANT pg_read_all_settings TO ${user};`
  return null
}
