/** Text that is HTML already: only `html` and `join` make it. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = Html | string | number | null

/**
 * HTML from a template. Every value is escaped, also in an attribute, unless it is `Html` itself;
 * `null` is nothing. What a server or an operator wrote never becomes a tag.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly (Part | readonly Part[])[]): Html {
  return new Html(strings.reduce((made, text, index) => made + shown(parts[index - 1] ?? null) + text))
}

const shown = (part: Part | readonly Part[]): string =>
  Array.isArray(part) ? part.map(shown).join('') : part instanceof Html ? part.text : escaped(String(part ?? ''))

const signs: Readonly<Record<string, string>> = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'}

/** Control characters and marks that reverse the reading order become spaces. */
const escaped = (text: string): string =>
  text
    .replace(/[\p{Cc}\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/gu, ' ')
    .replace(/[&<>"']/g, (sign) => signs[sign] ?? sign)
