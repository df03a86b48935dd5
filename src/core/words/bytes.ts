const units = ['kB', 'MB', 'GB', 'TB', 'PB']

/**
 * PostgreSQL's units (1 kB = 1024 bytes), in at most seven cells: `0 B`, `512 B`, `1.2 MB`, `1023
 * kB`.
 */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`
  let value = bytes / 1024
  let unit = 0
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}
