/**
 * How `pgroute66 rejoin` finds and runs the server of this machine. Commands are lists of words, run
 * without a shell; paths are absolute.
 */
export type RejoinSettings = Readonly<{
  /** The data directory. */
  pgdata: string
  /** The folder of pg_rewind, pg_waldump, pg_controldata, pg_basebackup, psql and postgres. */
  bin: string
  /** postgresql.conf outside of the data directory, as on Debian; `null`: inside. */
  configFile: string | null
  start: readonly string[]
  stop: readonly string[]
  /** Ends with 0 while the server runs. */
  status: readonly string[]
  /** Run once the server streams: `repmgr standby register --force`. `null`: nothing. */
  register: readonly string[] | null
  /** The role that pg_rewind and CHECKPOINT run under on the other primary. */
  sourceUser: string
  /** The role that streams. */
  replicationUser: string
  /** A physical replication slot on the other primary, made where it is missing; `null`: none. */
  slot: string | null
  /** Gets a folder per run: diverged WAL, and the configuration of this host. */
  archive: string
  /** `--auto` discards at most so many commits. */
  maxLossCommits: number
}>
