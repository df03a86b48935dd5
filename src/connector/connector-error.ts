import type {Verdict} from '../core/snapshot.ts'

export type ConnectorErrorKind =
  | 'no-writer'
  | 'no-reader'
  | 'too-many-waiting'
  | 'closed'
  | 'outcome-unknown'
  | 'rolled-back'
  | 'starting'
  | 'token'
  | 'aborted'

/**
 * SQLSTATEs (PostgreSQL documentation, appendix A): 08001 no connection could be made, 08003 there
 * is no connection, 08007 the outcome of a transaction is unknown, 40000 it was rolled back, 53300
 * too many.
 */
export type ConnectorErrorCode = '08001' | '08003' | '08007' | '40000' | '53300'

const codes: Readonly<Record<ConnectorErrorKind, ConnectorErrorCode>> = {
  'no-writer': '08001',
  'no-reader': '08001',
  'too-many-waiting': '53300',
  closed: '08003',
  'outcome-unknown': '08007',
  'rolled-back': '40000',
  starting: '08001',
  token: '08001',
  aborted: '08003',
}

type Details = Readonly<{
  host?: string | null
  outcome?: 'not-done' | 'unknown'
  verdict?: Verdict | null
  next: string
  cause?: unknown
}>

/**
 * What the connector itself has to say. Errors of the server are passed on as they are, but where
 * the outcome of a write is unknown.
 */
export class ConnectorError extends Error {
  readonly kind: ConnectorErrorKind
  readonly code: ConnectorErrorCode
  /** The host that it is about. */
  readonly host: string | null
  /** `not-done`: the statement left nothing behind. `unknown`: it may have been done. */
  readonly outcome: 'not-done' | 'unknown'
  /** The verdict at that moment, where one is known. */
  readonly verdict: Verdict | null
  /** What to do next, for an operator or a programmer. */
  readonly next: string

  constructor(kind: ConnectorErrorKind, message: string, details: Details) {
    super(message, details.cause === undefined ? undefined : {cause: details.cause})
    this.name = 'ConnectorError'
    this.kind = kind
    this.outcome = details.outcome ?? 'not-done'
    this.code = this.outcome === 'unknown' ? '08007' : codes[kind]
    this.host = details.host ?? null
    this.verdict = details.verdict ?? null
    this.next = details.next
  }
}
