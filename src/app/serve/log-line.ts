/** pino's JSON as a line of text: time, level, message, then the other fields as `key=value`. */
export function textLine(json: string): string {
  const {time, level, msg, ...fields} = JSON.parse(json) as Record<string, unknown>
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${plain(value)}`)
  return `${[time, String(level).toUpperCase().padEnd(5), oneLine(String(msg ?? '')), ...rest].join(' ')}\n`
}

/** In quotes where the value holds a space or another separator. */
function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : Array.isArray(value) ? value.join(',') : JSON.stringify(value)
  return /^[\w.:/@,+[\]-]+$/.test(text) ? text : oneLine(JSON.stringify(text))
}

/** A server's message may hold line breaks and terminal sequences: one event stays one line. */
const oneLine = (text: string): string =>
  text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
    /[\u0000-\u001f\u007f-\u009f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
