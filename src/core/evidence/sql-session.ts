import type {Failure} from '../facts/observation.ts'

export type SqlRows = readonly Readonly<Record<string, unknown>>[]
/** `sqlstate`: `null` where the server did not say. */
export type SqlFailure = Failure & Readonly<{sqlstate: string | null}>

/** A session on which a source asks its question. No method rejects; a timeout ends the session. */
export interface SqlSession {
  readonly isOver: boolean
  ask(text: string, signal: AbortSignal): Promise<SqlRows | SqlFailure>
  close(): void
}
export type OpenSql = (signal: AbortSignal) => Promise<SqlSession | SqlFailure>

/** `askedAt`: monotonic, stamped before the question left: a slow answer must look old, not fresh. */
export type SqlAnswer = Readonly<{askedAt: number; outcome: SqlRows | SqlFailure}>
