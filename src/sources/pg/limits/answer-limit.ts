import type {Socket} from 'node:net'

/** The longest answer to one question. */
export type AnswerLimit = Readonly<{bytes: number; rows: number}>

/**
 * PostgreSQL answers us with a few hundred bytes, a kilobyte per standby. A server that sent rows
 * without end took 600 MB in ten seconds (seen).
 */
export const probeLimit: AnswerLimit = {bytes: 64 * 1024, rows: 1_000}

/** PgBouncer lists each of its server connections. */
export const consoleLimit: AnswerLimit = {bytes: 16 * 1024 * 1024, rows: 100_000}

/** What an answer that exceeds `limit` is called. `what`: the question, or the login. */
export const tooLong = (what: string, {bytes, rows}: AnswerLimit): string =>
  `the server answered ${what} with more than ${bytes / 1024} kB or ${rows} rows, ` +
  `which no PostgreSQL does: check what listens there`

/** Counts what arrives on a socket, from its first byte on. */
export interface AnswerMeter {
  limit: AnswerLimit
  /** A new question: counting starts at zero. */
  restart(): void
  /** Called at most once, when an answer is too long; the socket is destroyed afterwards. */
  onExceeded: () => void
}

export function meterAnswers(socket: Socket): AnswerMeter {
  let received = 0
  const meter: AnswerMeter = {
    limit: probeLimit,
    restart() {
      received = 0
    },
    onExceeded() {},
  }
  const count = (chunk: Buffer) => {
    received += chunk.length
    if (received <= meter.limit.bytes) return
    socket.off('data', count)
    meter.onExceeded()
    socket.destroy()
  }
  socket.on('data', count)
  return meter
}
