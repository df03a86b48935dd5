import type {Key} from 'ink'

/**
 * The pressed keys, by the names that `press` knows. Characters typed faster than Ink reads them
 * arrive together.
 */
export function keysOf(input: string, key: Key): readonly string[] {
  if (key.upArrow) return ['up']
  if (key.downArrow) return ['down']
  if (key.pageUp) return ['pageup']
  if (key.pageDown) return ['pagedown']
  if (key.home) return ['home']
  if (key.end) return ['end']
  if (key.return) return ['enter']
  if (key.escape) return ['escape']
  // Terminals differ in which of the two the backspace key sends.
  if (key.backspace || key.delete) return ['backspace']
  if (key.ctrl || key.meta) return []
  return [...input].map((character) => (character === '\r' || character === '\n' ? 'enter' : character))
}
