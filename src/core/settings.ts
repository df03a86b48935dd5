/**
 * What the parts need to know of the configuration. `config/` makes these values, fully defaulted;
 * everybody else reads them. All durations are milliseconds.
 */

/** libpq's `sslmode`, with libpq's meaning (PostgreSQL documentation, 34.19 "SSL Support"). */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

/** How to reach one host; names and meanings are libpq's. `null` = not given. */
export type ConnectionSettings = Readonly<{
  /** Host name, address, or a directory that holds a unix socket. */
  host: string
  /**
   * Connect here instead of resolving `host`; `host` stays the name that a certificate must carry.
   */
  hostaddr: string | null
  port: number
  user: string
  /**
   * Called once per connection, so that a changed file is used at once. Resolves to `null` when
   * there is none.
   */
  password: () => Promise<string | null>
  dbname: string
  sslmode: SslMode
  sslrootcert: string | null
  sslcert: string | null
  sslkey: string | null
  sslcrl: string | null
  sslsni: boolean
  applicationName: string
  /** `options` of libpq: command-line options for the server. */
  options: string | null
}>

export type HostSettings = Readonly<{
  name: string
  /**
   * Other addresses of the same server (replication networks): what a standby may name as its
   * sender.
   */
  aliases: readonly string[]
  location: string | null
  connection: ConnectionSettings
}>

/**
 * What the silence of a required source means. `hold`: its last confirmation stands for so long
 * (only for repmgr, patroni, peers).
 */
export type OnSilent = 'deny' | 'ignore' | Readonly<{holdMs: number}>
export type ReadFallback = 'primary' | 'any' | 'none'

export type GroupSettings = Readonly<{
  name: string
  hosts: readonly string[]
  /** Names of required confirmations, in the configured order. */
  confirm: readonly string[]
  onSilent: OnSilent
  onSplitBrain: 'refuse' | 'follow-evidence'
  readFallback: ReadFallback
  /** `null`: learned from more than half of the hosts. */
  systemIdentifier: string | null
}>

export type ProbeSettings = Readonly<{
  intervalMs: number
  fastIntervalMs: number
  timeoutMs: number
  connectTimeoutMs: number
  maxAgeMs: number
  knockIntervalMs: number
}>

export type FollowersSettings = Readonly<{maxAgeMs: number; nudge: boolean}>

/** The heartbeat on the primary. `null` in Settings: off. */
export type AvailabilitySettings = Readonly<{intervalMs: number; table: string; limitMs: number}>

/** All that the monitor needs. */
export type MonitorSettings = Readonly<{
  hosts: readonly HostSettings[]
  groups: readonly GroupSettings[]
  probe: ProbeSettings
  followers: FollowersSettings
  availability: AvailabilitySettings | null
  stateDir: string | null
}>

/** As they are now. One that cannot be read is like another one that cannot. */
export async function isSamePassword(one: ConnectionSettings, other: ConnectionSettings): Promise<boolean> {
  const [was, is] = await Promise.allSettled([one.password(), other.password()])
  return (
    was.status === is.status && (was.status === 'rejected' || (is.status === 'fulfilled' && was.value === is.value))
  )
}
