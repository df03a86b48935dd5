import type {Asks, Row} from './console.ts'
import type {PgbouncerState} from './state.ts'

const text = (row: Row | undefined, column: string): string => `${row?.[column] ?? ''}`

/**
 * Reads one PgBouncer (PgBouncer's documentation, "Admin console"). One command after the other,
 * because the console takes only one at a time.
 */
export async function readPgbouncer(console: Asks): Promise<PgbouncerState> {
  const [version] = await console.ask('SHOW VERSION')
  const config = await console.ask('SHOW CONFIG')
  const names = await console.ask('SHOW DNS_HOSTS')
  const servers = await console.ask('SHOW SERVERS')
  // Last, so that the databases are not older than the connections that use them.
  const databases = await console.ask('SHOW DATABASES')
  const [, major, minor] = /(\d+)\.(\d+)/.exec(text(version, 'version')) ?? []
  const settingOf = (key: string) => {
    const row = config.find((each) => each.key === key)
    return row === undefined ? null : text(row, 'value')
  }
  const retry = settingOf('server_login_retry')
  return {
    version: major === undefined ? null : [Number(major), Number(minor)],
    loginRetryS: retry === null ? null : Number(retry),
    isPortShared: settingOf('so_reuseport') === '1',
    socketFolder: settingOf('unix_socket_dir') || null,
    databases: databases.map((row) => ({
      name: text(row, 'name'),
      host: text(row, 'host'),
      port: Number(text(row, 'port')),
      dbname: text(row, 'database'),
      isPaused: text(row, 'paused') === '1',
      isDisabled: text(row, 'disabled') === '1',
      connections: row.current_connections === undefined ? null : Number(text(row, 'current_connections')),
    })),
    inUse: servers
      .filter((row) => row.state === 'active')
      .map((row) => ({database: text(row, 'database'), address: text(row, 'addr'), port: Number(text(row, 'port'))})),
    addresses: Object.fromEntries(
      names.map((row) => [text(row, 'hostname'), text(row, 'addrs').split(',').filter(Boolean)]),
    ),
  }
}

/** The sessions that the process behind `console` has now (SHOW CLIENTS; also those of consoles). */
export const readClients = async (console: Asks): Promise<ReadonlySet<string>> =>
  new Set((await console.ask('SHOW CLIENTS')).map(clientKey))

const clientKey = (row: Row): string =>
  ['ptr', 'connect_time', 'addr', 'port', 'database'].map((column) => text(row, column)).join(' ')
