import type {Key} from 'ink'

/**
 * The keys pressed, by the names that `press` knows. Several characters come at once when they are
 * typed faster than they are read.
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
  // Terminals disagree about which of the two the backspace key sends.
  if (key.backspace || key.delete) return ['backspace']
  if (key.ctrl || key.meta) return []
  return [...input].map((character) => (character === '\r' || character === '\n' ? 'enter' : character))
}
