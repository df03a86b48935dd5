import type {PingListener, Pings} from '../../src/core/ports.ts'
import type {PingTrials} from '../../src/sources/pg/pings/ping-trials.ts'
import type {Wires} from './simulated-driver.ts'
import type {Backend, SimulatedServer} from './simulated-server.ts'

export type SimulatedPings = Pings & Readonly<{answerCame: () => void; over: () => void}>

/** `isOver`: the session is. `took`: a slow one counts as a round trip. */
export type PingedSession = Readonly<{
  server: SimulatedServer
  backend: Backend
  isOver: () => boolean
  took: (askedAt: number) => void
  trials: PingTrials
}>

/** A ping counts as a round trip from here on, as it does for the driver of PostgreSQL. */
const slowMs = 100

/** Pings of one session, as PostgreSQL 15 answers them; what lies between may swallow them, or end the session. */
export function simulatedPings({clock, told, latencyMs}: Wires, session: PingedSession): SimulatedPings {
  const {server, backend, isOver, took, trials} = session
  let sentAt: number | null = null
  let isProven = false
  let listener: PingListener | null = null
  const reported = () => `${server.inRecovery} ${server.changes}`
  let lastReported = reported()
  const settle = (askedAt: number) => {
    if (isOver() || sentAt !== askedAt) return
    sentAt = null
    if (!isProven) trials.passed()
    isProven = true
    const tripMs = clock.now() - askedAt
    listener?.answered(tripMs)
    if (tripMs >= slowMs) took(askedAt)
  }
  /** Before it is ready for the next question, the server tells what changed. */
  const tell = () => {
    if (lastReported === reported() || isOver()) return
    lastReported = reported()
    listener?.changed()
  }
  return {
    get sentAt() {
      return sentAt
    },
    get isProven() {
      return isProven
    },
    send() {
      if (sentAt !== null || isOver()) return
      const askedAt = clock.now()
      sentAt = askedAt
      told.pings.push(askedAt)
      if (told.betweenPings === 'swallows') return
      clock.after(latencyMs(), () =>
        server.arrive(() => {
          if (isOver() || server.isSessionLost || !server.backends.has(backend)) return
          if (told.betweenPings === 'closes') return told.drop()
          const backMs = latencyMs()
          clock.after(backMs, () => {
            if (!server.isReachable || isOver()) return
            tell()
            settle(askedAt)
          })
        }),
      )
    },
    listen(next) {
      listener = next
    },
    /** An answer to a question came: PostgreSQL answers in order. */
    answerCame() {
      tell()
      if (sentAt !== null && told.betweenPings === 'passes') settle(sentAt)
    },
    over() {
      if (sentAt !== null && !isProven) trials.failed()
      isProven = true
    },
  }
}
