import {closest, distance} from 'fastest-levenshtein'

/** The known word that the operator probably meant. `null`: none is near enough for a typing error. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (known.length === 0 || word.length > 64) return null
  const lower = word.toLowerCase()
  const exact = known.find((candidate) => candidate.toLowerCase().replaceAll('_', '') === lower.replaceAll(/[-_]/g, ''))
  if (exact) return exact
  const found = closest(lower, known)
  // Two swapped letters count as two edits, and `hots` still means host.
  if (sorted(found) === sorted(lower)) return found
  return distance(lower, found) <= Math.max(1, Math.floor(found.length / 3)) ? found : null
}

const sorted = (word: string) => [...word].sort().join('')
