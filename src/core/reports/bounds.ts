import type {GroupSettings, ProbeSettings} from '../settings.ts'

/**
 * What follows from the timers, on a network whose round trip is so short that no limit adapts to it
 * (DESIGN 5). Milliseconds.
 */
export type Bounds = Readonly<{
  /** From the last sign of life of a primary that freezes or vanishes. A crash is told at once. */
  noticedMs: Readonly<{from: number; to: number}>
  /** A network that is away for less time makes no host unavailable. */
  falseAlarmMs: number
  /** So long one daemon may name a primary after another daemon has seen that it is gone. */
  disagreeMs: number
}>

/** The second knock of an alarm (monitor/pings), and the second SYN of a connection. */
const [staggerMs, secondSynMs] = [100, 300]
/** TCP sends a lost segment again after these times (RFC 6298, with Linux' 200 ms at the least). */
const retransmissionsMs = [0, 200, 600, 1_400, 3_000, 6_200, 12_600, 25_400]

/** Pings raise an alarm, and an alarm waits half as long again (`planPing`); without pings probes time out. */
export function boundsOf(probe: ProbeSettings, groups: readonly Pick<GroupSettings, 'onSilent'>[]): Bounds {
  const {intervalMs, timeoutMs, pingIntervalMs, pingTimeoutMs, maxAgeMs} = probe
  const byProbe = {from: timeoutMs, to: intervalMs + timeoutMs, away: lastBelow(retransmissionsMs, timeoutMs)}
  const lostMs = 1.5 * pingTimeoutMs
  const byPing =
    pingIntervalMs === 0
      ? byProbe
      : {
          from: lostMs,
          to: pingIntervalMs + lostMs,
          away: Math.min(
            pingTimeoutMs +
              lastBelow([0, staggerMs, secondSynMs, secondSynMs + staggerMs].toSorted(ascending), pingTimeoutMs / 2),
            lastBelow(retransmissionsMs, pingTimeoutMs + timeoutMs),
          ),
        }
  const heldMs = Math.max(0, ...groups.map(({onSilent}) => (typeof onSilent === 'object' ? onSilent.holdMs : 0)))
  return {
    noticedMs: {from: Math.min(byProbe.from, byPing.from), to: Math.min(byProbe.to, byPing.to)},
    falseAlarmMs: Math.min(byProbe.from, byPing.away),
    disagreeMs: maxAgeMs + heldMs,
  }
}

const ascending = (one: number, other: number) => one - other
const lastBelow = (steps: readonly number[], limit: number): number => steps.findLast((step) => step < limit) ?? 0
