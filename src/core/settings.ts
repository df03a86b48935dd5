/**
 * The configuration as the monitor and the sources use it. `config/` makes these values, with every
 * default filled in; the other rooms read them. All durations are milliseconds.
 */

/** libpq's `sslmode`, with libpq's meaning (PostgreSQL documentation, 34.19 "SSL Support"). */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

/** What a server may ask for, in the words of `require_auth`. */
export type AuthMethod = 'password' | 'md5' | 'gss' | 'sspi' | 'scram-sha-256' | 'oauth'

/** libpq's `require_auth` (PostgreSQL documentation, 34.1.2). */
export type RequiredAuth = Readonly<{
  /** As it is written, for messages. */
  text: string
  /** The server may ask for one of these. */
  methods: readonly AuthMethod[]
  /** The server may ask for nothing. */
  mayBeNone: boolean
  /** A list of what is forbidden (`!password`): then no method is named as wanted. */
  isNegative: boolean
}>

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** What a line of .pgpass is looked up by (PostgreSQL documentation, 34.16 "The Password File"). */
export type PgpassKey = Readonly<{host: string; port: number; dbname: string; user: string}>

/**
 * Where the password of a connection comes from. Files are named, not read: a rotated password is
 * used at the next connection. `text` is a secret: no log line, error, JSON or screen shows it.
 */
export type PasswordSource = Readonly<
  | {from: 'config' | 'environment'; text: string}
  | {from: 'password_file'; path: string}
  | {from: 'pgpass'; path: string; key: PgpassKey}
  | {from: 'none'}
>

/**
 * How to reach one host; names and meanings are libpq's. `null` = not given. Plain data: two that
 * are equal reach the same server in the same way.
 */
export type ConnectionSettings = Readonly<{
  /** Host name, address, or a directory that holds a unix socket. */
  host: string
  /**
   * Connect here instead of resolving `host`; `host` stays the name that a certificate must carry.
   */
  hostaddr: string | null
  port: number
  user: string
  password: PasswordSource
  dbname: string
  sslmode: SslMode
  sslrootcert: string | null
  sslcert: string | null
  sslkey: string | null
  sslcrl: string | null
  /** A folder of revocation lists, named as `openssl rehash` names them. */
  sslcrldir: string | null
  /** The password of the key of the client certificate: a secret, see PasswordSource. */
  sslpassword: string | null
  sslcertmode: 'disable' | 'allow' | 'require'
  sslnegotiation: 'postgres' | 'direct'
  sslsni: boolean
  /** `null`: the default of the TLS library. */
  tlsVersions: Readonly<{min: TlsVersion; max: TlsVersion | null}>
  requireAuth: RequiredAuth | null
  channelBinding: 'disable' | 'prefer' | 'require'
  /** `connect_timeout`: instead of probe.connect_timeout. */
  connectTimeoutMs: number | null
  /** `null`: `keepalives=0`. A time or a count that is `null` is the kernel's default. */
  keepalive: Readonly<{idleSeconds: number | null; intervalSeconds: number | null; count: number | null}> | null
  applicationName: string
  /** `options` of libpq: command-line options for the server. */
  options: string | null
}>

export type HostSettings = Readonly<{
  name: string
  /**
   * Other addresses of the same server (replication networks): what a standby may name as its
   * sender, or a load balancer as its server. With a port (`10.0.0.1:6432`): for load balancers alone.
   */
  aliases: readonly string[]
  location: string | null
  /** `read`: readers get this host although it replays late on purpose. `null`: they do not. */
  delayed: 'read' | null
  connection: ConnectionSettings
}>

/**
 * What the silence of a required source means. `hold`: its last confirmation counts for that long
 * (only for repmgr, pgaf, patroni, peers).
 */
export type OnSilent = 'deny' | 'ignore' | Readonly<{holdMs: number}>
export type ReadFallback = 'primary' | 'any' | 'none'

/**
 * Where the table `nodes` of repmgr is. `nodes`: the name of a host's node, where it is not the name of
 * the host.
 */
export type RepmgrSettings = Readonly<{dbname: string; schema: string; nodes: Readonly<Record<string, string>>}>

/** The etcd in which Patroni keeps its keys. Files are named, not read. */
export type PatroniEtcdSettings = Readonly<{
  /** As in Patroni's configuration: `etcd3` is v3, `etcd` is v2. */
  api: 'v3' | 'v2'
  endpoints: readonly string[]
  caFile: string | null
  certFile: string | null
  keyFile: string | null
  user: string | null
  passwordFile: string | null
}>

/** The etcd in which the instances of a set meet. Files are named, not read. */
export type EtcdSettings = Omit<PatroniEtcdSettings, 'api'>

/** The set of instances that share the groups, and which of them this one is. */
export type ClusterSettings = Readonly<{
  set: string
  id: string
  /** Where the other instances reach this one. */
  url: string
  /** The authorities that sign the certificates of the other instances. `null`: the system's. */
  caFile: string | null
  /** Our own certificate, as a client of the other instances, and its key. */
  certFile: string | null
  keyFile: string | null
  etcd: EtcdSettings
  ttlMs: number
  /** The second-best instance probes a group too. */
  hasStandby: boolean
}>

/**
 * Patroni's cluster of a group. `urls`: REST APIs of members. Files are named, not read. `members`:
 * the name in Patroni of a host, where the address does not tell it.
 */
export type PatroniSettings = Readonly<{
  scope: string
  namespace: string
  urls: readonly string[]
  /** `null`: the leader key is not read. */
  etcd: PatroniEtcdSettings | null
  /** Whose word counts: the members', the leader key's, or the members' where the key does not deny. */
  via: 'rest' | 'etcd' | 'both'
  caFile: string | null
  certFile: string | null
  keyFile: string | null
  members: Readonly<Record<string, string>>
}>

/**
 * Another system that is asked whom it sees as primary. Plain data; files are named, not read, so that
 * a rotated certificate or token is used at the next connection.
 */
export type PeerSettings = Readonly<{
  /**
   * `grpc`: another pgroute66 that answers harepd's call, or harepd. harepd and primgr repeat the metadata of
   * repmgr: they may deny, and never confirm.
   */
  kind: 'pgroute66' | 'grpc' | 'primgr'
  /** `https://lb2:8443`, `grpc://10.0.0.2:10000`, `primgr://node2:5999`; it holds no secret. */
  url: string
  /** The authorities that sign the peer's certificate. `null`: the system's. */
  caFile: string | null
  /** The client certificate, and its key. */
  certFile: string | null
  keyFile: string | null
  /** A bearer token, for what stands in front of the peer. */
  tokenFile: string | null
  /** The name that the peer's certificate must carry. `null`: the host of `url`. */
  serverName: string | null
}>

/** The monitor of pg_auto_failover, and which of its nodes the hosts are. `nodes`: as in RepmgrSettings. */
export type PgafSettings = Readonly<{
  monitor: ConnectionSettings
  formation: string
  group: number
  nodes: Readonly<Record<string, string>>
  /** Nodes report every second; an older report does not count. */
  maxAgeMs: number
}>

export type GroupSettings = Readonly<{
  name: string
  hosts: readonly string[]
  /** Names of required confirmations, in the configured order. */
  confirm: readonly string[]
  onSilent: OnSilent
  onSplitBrain: 'refuse' | 'follow-evidence'
  onLossyPromotion: 'tell' | 'refuse'
  readFallback: ReadFallback
  /**
   * For how long a primary that is out of reach stays routed, while most hosts go on receiving from
   * it; 0: not at all.
   */
  sustainMs: number
  /** `null`: learned from more than half of the hosts. */
  systemIdentifier: string | null
  /** The HA tool's own delay before it promotes, as the operator knows it; `null`: not told. */
  failoverAfterMs: number | null
  /** `null`: repmgr is not asked. */
  repmgr: RepmgrSettings | null
  /** `null`: pg_auto_failover is not asked. */
  pgaf: PgafSettings | null
  /** `null`: Patroni is not asked. */
  patroni: PatroniSettings | null
  peers: readonly PeerSettings[]
  /** A peer that counts only where the number of hosts is even. */
  witness: PeerSettings | null
}>

export type ProbeSettings = Readonly<{
  intervalMs: number
  fastIntervalMs: number
  timeoutMs: number
  connectTimeoutMs: number
  maxAgeMs: number
  knockIntervalMs: number
  /** The same on a host that logs each connection (log_connections). */
  loggedKnockIntervalMs: number
  /** Between two questions of a session at rest; 0: no session is pinged. */
  pingIntervalMs: number
  fastPingIntervalMs: number
  /** A ping that is unanswered for so long raises an alarm. */
  pingTimeoutMs: number
}>

export type FollowersSettings = Readonly<{maxAgeMs: number; nudge: boolean}>

/** The heartbeat on the primary. `null` in Settings: off. */
export type AvailabilitySettings = Readonly<{intervalMs: number; table: string; limitMs: number}>

/**
 * The configuration that a daemon works by: a hash of what `config show` prints, where secrets are masked,
 * and when it was read (wall clock, milliseconds).
 */
export type ConfigInForce = Readonly<{hash: string; loadedAt: number}>

/** All that the monitor needs. */
export type MonitorSettings = Readonly<{
  /** Absent: the process is no daemon. */
  inForce?: ConfigInForce
  hosts: readonly HostSettings[]
  groups: readonly GroupSettings[]
  probe: ProbeSettings
  followers: FollowersSettings
  availability: AvailabilitySettings | null
  stateDir: string | null
}>
