/** A key of the configuration; `from`, `to`: its value as `config show` writes it, `null`: it is not set. */
export type WireKeyChange = Readonly<{
  path: string
  from: string | null
  to: string | null
  /** What changes is a secret, so neither value is shown. */
  secret: boolean
}>

/** What a reload would change, and whose connections it ends. Names, addresses and masked values alone. */
export type WireReloadPlan = Readonly<{
  /** Names this plan: a reload that asks for it does nothing once the file is another one. */
  plan: string
  /** The file; `null`: connection strings or the environment. */
  path: string | null
  /** Hashes of the configuration in force and of the file: see `config` of the snapshot. */
  hash: Readonly<{in_force: string; file: string}>
  changes: readonly WireKeyChange[]
  /** `changed`: another address or login. `restarted`: other timers; the session is opened again. */
  hosts: Readonly<Record<'added' | 'removed' | 'changed' | 'restarted' | 'kept', readonly string[]>>
  /** Endpoints of the API. A closed one ends its clients' connections; one with other TLS is closed and opened. */
  listeners: Readonly<Record<'opened' | 'closed', readonly string[]>>
  /** HAProxies and PgBouncers that the daemon connects to again. */
  routers: readonly string[]
  warnings: readonly string[]
}>
