import type {Binaries} from './binaries.ts'
import type {OsAccount} from './os-account.ts'

export type NodeSettings = Readonly<{
  name: string
  /** Contains the data directory and the log of this node. */
  folder: string
  /** The folder of its unix socket. */
  sockets: string
  port: number
  binaries: Binaries
  account: OsAccount | null
  /** Lines for postgresql.conf and pg_hba.conf. */
  conf: readonly string[]
  hba: readonly string[]
  place: Place
}>

/**
 * Where a server runs. `address`: what it listens on, and what its standbys connect to. `within`:
 * what its command line begins with, such as `nsenter` for a network namespace; empty: here.
 */
export type Place = Readonly<{address: string; within: readonly string[]}>
export const loopback: Place = {address: '127.0.0.1', within: []}

/** postgresql.conf of a server that runs for minutes: small and fast. */
export function postgresqlConf({name, port, sockets, conf, place}: NodeSettings): string {
  const lines = [
    `port = ${port}`,
    `listen_addresses = '${place.address}'`,
    `unix_socket_directories = '${sockets}'`,
    `cluster_name = '${name}'`,
    'fsync = off',
    'shared_buffers = 16MB',
    // The same on every node: a standby with fewer than its primary does not start.
    'max_connections = 50',
    'wal_keep_size = 64MB',
    // For pg_rewind.
    'wal_log_hints = on',
    // Files in the data folder, because a killed server would leave its files in /dev/shm.
    'dynamic_shared_memory_type = mmap',
    "lc_messages = 'C'",
    "recovery_target_timeline = 'latest'",
    // How soon a standby looks for its primary again; the default of 5 s is long for a demo.
    'wal_retrieve_retry_interval = 200ms',
    ...conf,
  ]
  return `${lines.join('\n')}\n`
}

/** pg_hba.conf: the given lines, then the lines for the superuser and the other nodes. */
export function hbaConf({hba}: NodeSettings): string {
  const own = [
    'local all all trust',
    'local replication all trust',
    'host replication postgres samenet trust',
    'host all postgres samenet trust',
  ]
  return `${[...hba, ...own].join('\n')}\n`
}
