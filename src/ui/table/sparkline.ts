/**
 * The last `width` values as bars, scaled to the highest; `null` (no answer) is a gap. The newest
 * value is at the right edge.
 */
export function sparkline(values: readonly (number | null)[], width: number, bars: readonly string[]): string {
  const shown = values.slice(-width)
  const highest = Math.max(...shown.map((value) => value ?? 0))
  const drawn = shown.map((value) => {
    if (value === null) return ' '
    const share = highest > 0 ? value / highest : 0
    return bars[Math.min(bars.length - 1, Math.floor(share * bars.length))] ?? ' '
  })
  return drawn.join('').padStart(width)
}
