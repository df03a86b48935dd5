/**
 * The first of `count` rows to show, so that row `at` is among the `height` visible ones: in the
 * middle, except near the ends.
 */
export function firstShown(count: number, at: number, height: number): number {
  return Math.max(0, Math.min(at - Math.floor(height / 2), count - height))
}

/** The lines from `offset` on, at most `height`; an offset past the end shows the end. */
export function scrolled<T>(lines: readonly T[], offset: number, height: number): readonly T[] {
  const first = Math.max(0, Math.min(offset, lines.length - height))
  return lines.slice(first, first + Math.max(0, height))
}
