import type {Snapshot} from '../../core/snapshot.ts'
import type {Pointer} from './include.ts'

export type PgbouncerDatabaseState = Readonly<{
  name: string
  host: string
  port: number
  dbname: string
  isPaused: boolean
  isDisabled: boolean
  /** Server connections, idle ones included; `null`: SHOW DATABASES has no such column. */
  connections: number | null
}>

/** A server connection that a client is using. PgBouncer gives every unix socket the address "unix". */
export type InUse = Readonly<{database: string; address: string; port: number}>

/** One PgBouncer as its console shows it (1.18: SHOW VERSION, CONFIG, DATABASES, SERVERS, DNS_HOSTS). */
export type PgbouncerState = Readonly<{
  /** `[1, 18]`; `null`: SHOW VERSION holds none. */
  version: readonly [number, number] | null
  loginRetryS: number | null
  /** so_reuseport: other processes may listen on the same TCP port. */
  isPortShared: boolean
  /** unix_socket_dir, which no two processes share. */
  socketFolder: string | null
  databases: readonly PgbouncerDatabaseState[]
  inUse: readonly InUse[]
  /** Host name → addresses. */
  addresses: Readonly<Record<string, readonly string[]>>
}>

/** Since 1.17 an entry may list several hosts. */
export const takesLists = ({version}: PgbouncerState): boolean => version === null || version[0] > 1 || version[1] >= 17

/**
 * Whether two lists of sessions (`readClients`) come from one process. A session has an address in
 * the memory of its process, the time of its login and its client's port; no other process has the
 * same three (seen: two processes behind one port, and behind a proxy).
 */
export const isSameProcess = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  [...one].some((client) => other.has(client))

/** Server connections in use by `database` that lead to another host than `pointer`. */
export const foreignConnections = (database: string, pointer: Pointer, state: PgbouncerState): readonly InUse[] =>
  state.inUse.filter((one) => one.database === database && !isAt(one, pointer, state) && !mayBeAt(one, pointer, state))

/**
 * Whether a connection leads to a configured host that hangs, is gone, or is a second primary. A
 * standby is not deposed: its transactions end by themselves and write nothing.
 */
export const isDeposed = (connection: InUse, state: PgbouncerState, snapshot: Snapshot): boolean => {
  const hosts = Object.values(snapshot.hosts).filter(({address, port}) =>
    isAt(connection, {host: address, port}, state),
  )
  return hosts.length > 0 && hosts.every(({role}) => role !== 'standby')
}

const isAt = ({address, port}: InUse, pointer: Pointer, {addresses}: PgbouncerState): boolean =>
  port === pointer.port &&
  pointer.host
    .split(',')
    .some(
      (host) => host === address || (host.startsWith('/') && address === 'unix') || addresses[host]?.includes(address),
    )

/** A name that PgBouncer has not resolved lately may be any address: such a connection is not cut. */
const mayBeAt = (one: InUse, {host, port}: Pointer, {addresses}: PgbouncerState): boolean =>
  one.port === port && host.split(',').some((name) => !isAddress(name) && !addresses[name])

const isAddress = (host: string): boolean => host.startsWith('/') || host.includes(':') || /^[\d.]+$/.test(host)
