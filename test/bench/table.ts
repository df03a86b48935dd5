/**
 * One line of a bench: what was measured, against what target, beside what was measured in the same
 * run. `met` null: there is no target.
 */
export type Row = Readonly<{figure: string; measured: string; target: string; comparison: string; met: boolean | null}>
/** `style`: one of HAProxy's alone. `runs`: how many failovers. `hosts`: how many the daemon watches. */
export type Options = Readonly<{
  short: boolean
  minutes: number | null
  style: string | null
  runs: number | null
  hosts: number | null
}>

const columns = ['figure', 'measured', 'target', 'comparison'] as const

/** As GitHub's Markdown, so that it can be copied into the README as it is. */
export function table(rows: readonly Row[]): string {
  const mark = {true: 'yes', false: '**NO**', null: ''} as const
  const lines = rows.map((row) => `| ${columns.map((column) => row[column]).join(' | ')} | ${mark[`${row.met}`]} |`)
  return [`| ${columns.join(' | ')} | met |`, '|---|---|---|---|---|', ...lines].join('\n')
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
export const median = (values: readonly number[]): number => quantile(values, 0.5)
export const ms = (value: number): string => (value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`)

/** By least squares: how much y grows per x. */
export function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length
  const [x0, y0] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const over = points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0)
  return over / points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0)
}
