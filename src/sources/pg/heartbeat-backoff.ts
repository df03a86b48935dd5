/**
 * How soon to try again after heartbeats that hung, each of which left a backend behind that cannot
 * be ended from here. Two are allowed at once; after that one more try per wait, which doubles up
 * to half a minute: every stuck backend takes one of max_connections.
 */
export type HeartbeatBackoff = Readonly<{abandoned: number; notBefore: number}>

export const patient: HeartbeatBackoff = {abandoned: 0, notBefore: Number.NEGATIVE_INFINITY}

const firstWaitMs = 1000
const longestWaitMs = 30_000

export function abandon({abandoned}: HeartbeatBackoff, now: number): HeartbeatBackoff {
  const waits = abandoned + 1 - 2
  return {
    abandoned: abandoned + 1,
    notBefore: waits < 0 ? now : now + Math.min(longestWaitMs, firstWaitMs * 2 ** waits),
  }
}
