import {OperatorError} from '../../core/errors.ts'

/**
 * `host=h1 password='it\'s'` → keywords. (PostgreSQL documentation, 34.1.1.1 "Keyword/Value
 * Connection Strings".)
 */
export function parseKeywords(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  // As in libpq, a quote counts at the beginning of a value alone, and a backslash at the very end
  // is dropped.
  const pair = /\s*([^\s=']+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?!')(?:[^\s\\]|\\.)*\\?)(?=\s|$))/sy
  const end = text.trimEnd().length
  while (pair.lastIndex < end) {
    const match = pair.exec(text)
    if (match === null) {
      const next =
        "Write keyword=value pairs. Put a value with blanks or quotes into single quotes; write a quote as \\'."
      throw new OperatorError('CONFIG_DSN', 'is not a list of keyword=value pairs', next)
    }
    const [, keyword = '', quoted, bare] = match
    found.set(keyword, (quoted ?? bare ?? '').replace(/\\(.?)/gs, '$1'))
  }
  return found
}
