import type {SourceAccess} from '../../../actuators/rejoin/source.ts'
import type {RejoinSettings} from '../../../core/node/rejoin-settings.ts'
import type {ConnectionSettings, HostSettings} from '../../../core/settings.ts'
import {readPassword} from '../../../sources/pg/password.ts'

/**
 * How libpq's programs reach the other primary: as the monitor does, with the roles of `rejoin`. A role
 * that is the monitor's has its password; another one has it in ~/.pgpass, where the walreceiver looks.
 * `applicationName`: what `synchronous_standby_names` of the primary knows this host by.
 */
export async function sourceAccess(
  {connection}: HostSettings,
  {sourceUser, replicationUser}: RejoinSettings,
  applicationName: string,
): Promise<SourceAccess> {
  const base = locationOf(connection)
  const ours = {application_name: 'pgroute66_rejoin', connect_timeout: '10'}
  // The walreceiver has no environment of ours: where it looks for a password, rejoin looks too.
  const passfile = connection.password.from === 'pgpass' ? {passfile: connection.password.path} : {}
  const follower = {...base, ...passfile, user: replicationUser, application_name: applicationName}
  return {
    sql: conninfo({...base, ...ours, user: sourceUser, dbname: connection.dbname}),
    replication: conninfo({...base, ...passfile, ...ours, user: replicationUser, replication: 'true'}),
    upstream: conninfo(follower),
    env: await secretsOf(connection, sourceUser),
    replicationEnv: {},
  }
}

function locationOf(connection: ConnectionSettings) {
  const {host, hostaddr, port, sslmode, sslrootcert, sslcert, sslkey, sslcrl, sslcrldir} = connection
  const tls = {sslmode, sslrootcert, sslcert, sslkey, sslcrl, sslcrldir}
  return Object.fromEntries(
    Object.entries({host, hostaddr, port: String(port), ...tls}).filter(
      (pair): pair is [string, string] => pair[1] !== null,
    ),
  )
}

/** In the environment, which other users cannot read, unlike a command line. */
async function secretsOf(connection: ConnectionSettings, user: string): Promise<Readonly<Record<string, string>>> {
  const {password} = connection
  if (password.from === 'pgpass') return {PGPASSFILE: password.path}
  if (user !== connection.user) return {}
  const text = await readPassword(password)
  return text === null ? {} : {PGPASSWORD: text}
}

/** libpq's keywords and values (PostgreSQL documentation, 34.1.1.1). */
export const conninfo = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key}=${/^[\w.:/-]+$/.test(value) ? value : `'${value.replaceAll(/['\\]/g, '\\$&')}'`}`)
    .join(' ')
