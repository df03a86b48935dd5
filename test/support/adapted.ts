import {readFileSync} from 'node:fs'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** The README's HAProxy file that says `marker`, as it is printed. Throws unless there is just one. */
export function haproxyFileWith(marker: string): string {
  const files = [...readme.matchAll(/^```\n(.*?)^```$/gms)].map(([, text]) => text ?? '').filter((text) => /^listen /m.test(text))
  const [found, ...more] = files.filter((text) => text.includes(marker))
  if (found === undefined || more.length > 0)
    throw new Error(`the README has ${more.length + (found ? 1 : 0)} HAProxy files with "${marker}"`)
  return found
}

/** Puts what is here in the place of what the README names. Throws where it names no such thing: the README has changed, and the test has not. */
export function adapted(text: string, places: Readonly<Record<string, string>>): string {
  for (const [there, here] of Object.entries(places)) {
    if (!text.includes(there)) throw new Error(`the README's file does not say "${there}"`)
    text = text.replaceAll(there, here)
  }
  return text
}
