import {join} from 'node:path'
import {OperatorError} from '../../core/errors.ts'
import {runProgram} from '../../system/program.ts'
import {type HistoryLine, readHistory} from './fork.ts'

/**
 * How the other primary is reached, by libpq, as pg_rewind does. `env` holds what must not stand in a
 * command line.
 */
export type SourceAccess = Readonly<{
  /** As the role of pg_rewind, in a database. */
  sql: string
  /** As the role that streams, on a replication connection. */
  replication: string
  /** For primary_conninfo: without a secret. */
  upstream: string
  env: Readonly<Record<string, string>>
  replicationEnv: Readonly<Record<string, string>>
}>

/** The other primary does not answer as it has to. The message is for an operator. */
export class SourceError extends Error {}

/** Where the other primary refuses, a right or an address is wrong. */
export async function told<T>(source: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    throw new OperatorError(
      'REJOIN_SOURCE',
      `${source} does not answer rejoin: ${error.message}`,
      'Give rejoin.source_user and rejoin.replication_user their rights there: docs/rejoin.md lists them.',
      {cause: error},
    )
  }
}

/** An answer to a question takes no longer; a checkpoint may. */
const questionMs = 60_000

/** The other primary, asked by psql: one statement a call. Each rejects with a SourceError. */
export class SourceServer {
  readonly #psql: string
  readonly #access: SourceAccess

  constructor(bin: string, access: SourceAccess) {
    this.#psql = join(bin, 'psql')
    this.#access = access
  }

  /** `IDENTIFY_SYSTEM`: the timeline is that of now, not of the latest checkpoint. */
  async identify(): Promise<Readonly<{systemIdentifier: string; timeline: number}>> {
    const [systemIdentifier = '', timeline = ''] = (await this.#replicate('IDENTIFY_SYSTEM')).split('|')
    return {systemIdentifier, timeline: Number(timeline)}
  }

  async history(timeline: number): Promise<readonly HistoryLine[]> {
    if (timeline === 1) return []
    const text = await this.#replicate(`TIMELINE_HISTORY ${timeline}`)
    // The first field of the row is the name of the file.
    return readHistory(text.slice(text.indexOf('|') + 1))
  }

  /** The rights that pg_rewind and CHECKPOINT need and the role does not have, as SQL that grants them. */
  async lacking(): Promise<readonly string[]> {
    const needed = [
      'pg_ls_dir(text, boolean, boolean)',
      'pg_stat_file(text, boolean)',
      'pg_read_binary_file(text)',
      'pg_read_binary_file(text, bigint, bigint, boolean)',
    ]
    const functions = needed.map((name) => `('pg_catalog.${name}')`).join(', ')
    return this.#ask(
      `select 'GRANT EXECUTE ON FUNCTION ' || f || ' TO ' || current_user from (values ${functions}) v(f) ` +
        "where not pg_catalog.has_function_privilege(f, 'execute') union all " +
        "select 'GRANT pg_checkpoint TO ' || current_user from pg_catalog.pg_roles " +
        'where rolname = current_user and not rolsuper and not coalesce(' +
        "(select pg_catalog.pg_has_role(oid, 'member') from pg_catalog.pg_roles " +
        "where rolname = 'pg_checkpoint'), false)",
    )
  }

  async databases(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#ask("select oid || ' ' || datname from pg_catalog.pg_database")
    return new Map(
      rows.map((row): [string, string] => [row.slice(0, row.indexOf(' ')), row.slice(row.indexOf(' ') + 1)]),
    )
  }

  /** `DATABASE/FILE` of a table and its indexes in the database of the connection. */
  async filesOf(table: string): Promise<readonly string[]> {
    const name = table.replaceAll("'", "''")
    return this.#ask(
      `select d.oid || '/' || pg_catalog.pg_relation_filenode(r) from pg_catalog.pg_database d, ` +
        `(select pg_catalog.to_regclass('${name}')::oid as r union all ` +
        `select indexrelid from pg_catalog.pg_index where indrelid = pg_catalog.to_regclass('${name}')) t ` +
        'where d.datname = pg_catalog.current_database() and r is not null',
    )
  }

  /** Are the tables of `schema` the only ones in a database? `false` too where the role may not look. */
  async hasOnly(database: string, schema: string): Promise<boolean> {
    const dbname = database.replaceAll(/['\\]/g, '\\$&')
    const rows = this.#run(
      `${this.#access.sql} dbname='${dbname}'`,
      this.#access.env,
      'select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace ' +
        `where c.relkind in ('r', 'p', 'm') and n.nspname not in ('${schema.replaceAll("'", "''")}', ` +
        "'information_schema') and n.nspname !~ '^pg_' limit 1",
      questionMs,
    )
    return rows.then(
      (text) => text.trim() === '',
      () => false,
    )
  }

  /** Of all databases that the role may connect to. */
  async bytes(): Promise<number> {
    const [sum = '0'] = await this.#ask(
      "select coalesce(sum(case when pg_catalog.has_database_privilege(oid, 'connect') " +
        'then pg_catalog.pg_database_size(oid) end), 0) from pg_catalog.pg_database',
    )
    return Number(sum)
  }

  /** Without it pg_rewind takes the timeline of the latest checkpoint, and finds nothing to do. */
  async checkpoint(): Promise<void> {
    await this.#ask('checkpoint', {limitMs: null})
  }

  /** Why the slot cannot be used; `null`: it can, or does not exist yet. */
  async problemOfSlot(slot: string): Promise<string | null> {
    const [row] = await this.#ask(
      `select slot_type || '|' || active || '|' || coalesce(wal_status, '') from pg_catalog.pg_replication_slots ` +
        `where slot_name = '${slot}'`,
    )
    const [type, active, status] = row?.split('|') ?? []
    if (type === undefined) return null
    if (type !== 'physical') return `it is a ${type} slot`
    if (active === 'true') return 'another standby uses it'
    return status === 'lost' || status === 'unreserved' ? `it has lost WAL (${status}): drop it` : null
  }

  async makeSlot(slot: string): Promise<void> {
    const [there] = await this.#ask(`select 1 from pg_catalog.pg_replication_slots where slot_name = '${slot}'`)
    if (there === undefined) await this.#replicate(`CREATE_REPLICATION_SLOT ${slot} PHYSICAL RESERVE_WAL`)
  }

  async #ask(sql: string, {limitMs = questionMs}: {limitMs?: number | null} = {}): Promise<readonly string[]> {
    const {sql: conninfo, env} = this.#access
    return (await this.#run(conninfo, env, sql, limitMs)).split('\n').filter(Boolean)
  }

  #replicate(command: string): Promise<string> {
    const {replication, replicationEnv} = this.#access
    return this.#run(replication, replicationEnv, command, questionMs)
  }

  async #run(
    conninfo: string,
    env: Readonly<Record<string, string>>,
    command: string,
    limitMs: number | null,
  ): Promise<string> {
    const words = [this.#psql, '-XAtqw', '-v', 'ON_ERROR_STOP=1', '-d', conninfo, '-c', command]
    const {code, stdout, stderr} = await runProgram(words, {env, ...(limitMs !== null && {limitMs})})
    if (code === 0) return stdout
    const why = code === null ? 'it did not answer in time' : stderr.trim().split('\n').slice(0, 3).join(' ')
    throw new SourceError(`${command.split(' ', 2).join(' ')}: ${why}`)
  }
}
