/** "a", "a and b", "a, b and c": lists of names inside a sentence. */
export function enumerate(names: readonly string[]): string {
  if (names.length <= 1) return names[0] ?? 'none'
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** "host1 is", "host1 and host2 are". */
export const areIs = (names: readonly string[]): string => `${enumerate(names)} ${names.length === 1 ? 'is' : 'are'}`
