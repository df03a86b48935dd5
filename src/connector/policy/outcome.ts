/** How one attempt to run a statement failed. */
export type Failed = Readonly<
  /** There was no connection. `isCut`: the network, or the time, ended it. */
  | {phase: 'connecting'; sqlstate: string | null; errno: string | null; isCut: boolean}
  /** The driver refused it, and no byte was sent. */
  | {phase: 'refused-by-driver'}
  /** The connection was gone before a byte was sent. */
  | {phase: 'lost-unsent'}
  /** The connection was lost after a byte was sent. */
  | {phase: 'lost'}
  /** The driver gave up, and the server may go on: a time limit of the driver. */
  | {phase: 'abandoned'}
  /** The server refused it, and was ready for the next statement: what it did is rolled back. */
  | {phase: 'answered'; sqlstate: string; inHotStandby: boolean}
>

export type WriteOutcome = 'repeat' | 'pass-on' | 'unknown'
/**
 * `avoid`: on another host. `suspect`: the host is lost. `refused`: on another host, and where there
 * is none the error is passed on.
 */
export type ReadOutcome = 'suspect' | 'avoid' | 'refused' | 'pass-on' | 'give-up'

/**
 * So many connections may be lost under one read. A read that ends the server it runs on must not
 * end all of them.
 */
export const maxLosses = 3

/**
 * Whether a write may be repeated: only where it was not sent, or where a standby refused it.
 * Neither the end of a session nor 57P01 tells that a write was not done: a commit that waits for a
 * synchronous standby is done when the session ends.
 */
export function outcomeOfWrite(failed: Failed): WriteOutcome {
  switch (failed.phase) {
    case 'connecting':
      return isPassing(failed) ? 'repeat' : 'pass-on'
    case 'lost-unsent':
      return 'repeat'
    case 'refused-by-driver':
      return 'pass-on'
    case 'lost':
    case 'abandoned':
      return 'unknown'
    case 'answered':
      // read_only_sql_transaction, in a session of a standby.
      return failed.sqlstate === '25006' && failed.inHotStandby ? 'repeat' : 'pass-on'
  }
}

/** Whether a read is repeated, and what is to be thought of the host. `losses`: those before this one. */
export function outcomeOfRead(failed: Failed, losses: number): ReadOutcome {
  switch (failed.phase) {
    case 'connecting':
      // The host is alive, and another one may have room.
      if (failed.sqlstate === '53300') return 'avoid'
      // A wrong password is wrong everywhere; a certificate, TLS or a database may fail on one host alone.
      return isPassing(failed) ? 'suspect' : 'refused'
    case 'lost-unsent':
      return 'suspect'
    case 'refused-by-driver':
    case 'abandoned':
      return 'pass-on'
    case 'lost':
      return losses + 1 < maxLosses ? 'suspect' : 'give-up'
    case 'answered':
      // serialization_failure and deadlock_detected: a recovery conflict of a standby.
      return failed.sqlstate === '40001' || failed.sqlstate === '40P01' ? 'avoid' : 'pass-on'
  }
}

/**
 * A connection that failed for a reason that time may end: the network, a server that starts or
 * stops, too many connections. A wrong password or a missing database is told at once.
 */
function isPassing({sqlstate, errno, isCut}: Failed & {phase: 'connecting'}): boolean {
  if (sqlstate !== null) return /^(57P0[123]|53300|08(?!P01).*)$/.test(sqlstate)
  if (errno !== null) return /^E(?!RR_)/.test(errno)
  return isCut
}
