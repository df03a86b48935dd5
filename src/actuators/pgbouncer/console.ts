import type {ConnectionSettings} from '../../core/settings.ts'

export type Row = Readonly<Record<string, unknown>>

/** A session on a PgBouncer's admin console. */
export interface Console extends Disposable {
  /** One simple query (the console knows no others). Rejects with an Error for an operator: refused, lost, or `signal` of the opening has aborted. */
  ask(command: string): Promise<readonly Row[]>
}

/** Logs in; comes from outside, because TLS and passwords are the business of who talks to PostgreSQL. Rejects with an Error for an operator. */
export type OpenConsole = (admin: ConnectionSettings, signal: AbortSignal) => Promise<Console>

/** A name that has more than letters is put in quotes, as SQL does (seen: `PAUSE app-ro` is an invalid command). */
export const command = (verb: 'PAUSE' | 'KILL' | 'RESUME', database: string): string =>
  `${verb} ${/^[a-z_][a-z0-9_]*$/.test(database) ? database : `"${database}"`}`
