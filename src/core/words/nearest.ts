/** The known word that the operator probably meant. `null`: none is near enough for a typing error. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (known.length === 0 || word.length > longest) return null
  const lower = word.toLowerCase()
  const exact = known.find((candidate) => candidate.toLowerCase().replaceAll('_', '') === lower.replaceAll(/[-_]/g, ''))
  if (exact) return exact
  const found = closest(lower, known)
  // Two swapped letters count as two edits, and `hots` still means host.
  if (sorted(found) === sorted(lower)) return found
  return distance(lower, found) <= Math.max(1, Math.floor(found.length / 3)) ? found : null
}

/** No name of a key, a host or a group is longer. */
const longest = 64

const sorted = (word: string) => [...word].sort().join('')

/** The first of the nearest ones. */
function closest(word: string, known: readonly string[]): string {
  const ranked = known.map((candidate) => ({candidate, far: distance(word, candidate)}))
  return ranked.reduce((best, next) => (next.far < best.far ? next : best)).candidate
}

/** How many characters must be added, removed or replaced (Levenshtein 1966). */
function distance(one: string, other: string): number {
  let above = Array.from({length: other.length + 1}, (_, index) => index)
  for (const [row, letter] of [...one].entries()) {
    const line = [row + 1]
    for (let column = 0; column < other.length; column += 1) {
      const replaced = (above[column] ?? 0) + Number(other[column] !== letter)
      line.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1))
    }
    above = line
  }
  return above.at(-1) ?? 0
}
