import {plainLine} from '../cli/print.ts'

/**
 * pino's JSON as a line of text: time, level, message, then the other fields as `key=value`. One event
 * stays one line, whatever a server said.
 */
export function textLine(json: string): string {
  const {time, level, msg, ...fields} = JSON.parse(json) as Record<string, unknown>
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${plain(value)}`)
  return `${[time, String(level).toUpperCase().padEnd(5), plainLine(String(msg ?? '')), ...rest].join(' ')}\n`
}

/** In quotes where the value holds a space or another separator. */
function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : Array.isArray(value) ? value.join(',') : JSON.stringify(value)
  return /^[\w.:/@,+[\]-]+$/.test(text) ? text : plainLine(JSON.stringify(text))
}
