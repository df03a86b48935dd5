/**
 * The limit of `lag=` in bytes, by Patroni's own rules (its utils.py, `parse_int` with the unit B):
 * a number with B, kB, MB, GB or TB, in this case, or without a unit. `null`: no limit, as for every
 * text that is not a size.
 */
export function lagLimit(text: string | undefined): number | null {
  const match = /^\s*([-+]?(?:0[xX][\da-fA-F]+|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?))\s*(B|kB|MB|GB|TB)?\s*$/.exec(text ?? '')
  if (!match) return null
  const [, number = '', unit = 'B'] = match
  return Math.round(Number(number) * 1024 ** ['B', 'kB', 'MB', 'GB', 'TB'].indexOf(unit))
}

/**
 * Patroni's own tags are not there while they are off (its tags.py); `nofailover` is, beside a
 * `failover_priority`.
 */
const ownTags = ['clonefrom', 'nofailover', 'noloadbalance', 'nosync', 'nostream']

type Tags = Readonly<Record<string, string>>

/** The tags that count: what Patroni would show and compare. */
export const tagsInForce = (tags: Tags): Tags =>
  Object.fromEntries(
    Object.entries(tags).filter(
      ([name, value]) =>
        !ownTags.includes(name) || !isOff(value) || (name === 'nofailover' && Object.hasOwn(tags, 'failover_priority')),
    ),
  )

export const isOff = (value: string): boolean => /^(false|off|no|0|)$/i.test(value)

/** Does the host have every tag that the question asks for (`tag_zone=a`)? */
export function hasTags(query: ReadonlyMap<string, string>, tags: Tags): boolean {
  return [...query].every(([key, value]) => {
    if (!key.startsWith('tag_')) return true
    const name = key.slice('tag_'.length)
    return Object.hasOwn(tags, name) && typed(tags[name] ?? '').toString() === value
  })
}

/** As YAML would read it: bodies show booleans and numbers, not texts. */
export function typed(value: string): string | number | boolean {
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true'
  return /^-?(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value
}
