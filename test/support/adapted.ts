/**
 * Puts what is here in the place of what a printed file names. Throws where it names no such thing:
 * the file has changed, and the test has not.
 */
export function adapted(text: string, places: Readonly<Record<string, string>>): string {
  for (const [there, here] of Object.entries(places)) {
    if (!text.includes(there)) throw new Error(`the file does not say "${there}"`)
    text = text.replaceAll(there, here)
  }
  return text
}
