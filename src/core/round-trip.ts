/** The round trip to one host, smoothed, and how much single ones differ from that. */
export type RoundTrip = Readonly<{smoothedMs: number; variationMs: number}>

/** A longer round trip counts as this: a limit must end. */
const longestTripMs = 5_000

/** The estimate with one more round trip in it (RFC 6298, section 2); `before` null: the first one. */
export function measured(before: RoundTrip | null, tripMs: number): RoundTrip {
  if (before === null) return {smoothedMs: tripMs, variationMs: tripMs / 2}
  const {smoothedMs, variationMs} = before
  return {
    smoothedMs: smoothedMs + (tripMs - smoothedMs) / 8,
    variationMs: variationMs + (Math.abs(smoothedMs - tripMs) - variationMs) / 4,
  }
}

/**
 * `configuredMs`, or the longest time that `trips` round trips take, if that is longer. In a local
 * network it is the configured limit. `roundTrip` null: nothing was measured yet.
 */
export function adaptedMs(configuredMs: number, trips: number, roundTrip: RoundTrip | null): number {
  if (roundTrip === null) return configuredMs
  const {smoothedMs, variationMs} = roundTrip
  return Math.max(configuredMs, trips * Math.min(longestTripMs, smoothedMs + 4 * variationMs))
}
