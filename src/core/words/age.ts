const two = (value: number) => String(value).padStart(2, '0')

/** An age to the second, in at most six cells up to 1,000 days: `12s`, `4m05s`, `3h12m`, `12d4h`. */
export function ageText(ms: number): string {
  // A wall clock may step back, and the daemon's machine may be ahead of this one.
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m${two(seconds % 60)}s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours}h${two(minutes % 60)}m`
  const days = Math.floor(hours / 24)
  return days < 1000 ? `${days}d${hours % 24}h` : `${days}d`
}

/** A span that may be far below a second: `0ms`, `0.4ms`, `350ms`, `1.2s`; from 10 s on an age. */
export function spanText(ms: number): string {
  if (ms <= 0) return '0ms'
  if (ms < 9.95) return `${ms.toFixed(1)}ms`
  if (ms < 999.5) return `${Math.round(ms)}ms`
  return ms < 9950 ? `${(ms / 1000).toFixed(1)}s` : ageText(ms)
}
