import {enumerate} from '../../../core/phrases.ts'

/** What a word for one of two hosts rests on. */
export type Ground = Readonly<{
  host: string
  timeline: number | null
  followers: readonly string[]
  /** It answers as a primary. */
  isPrimary: boolean
}>

/** `keep`: the host that both timeline and followers name; `null`: no word is given. */
export type Advice = Readonly<{keep: string | null; why: string}>

/**
 * Names a host only where its timeline is the higher one and other hosts follow it alone. Positions
 * do not count: an accidental promotion of a standby that lags makes the wrong host the highest. An
 * old primary that still runs may be the right one: a cascade follows its promoted standby anyway.
 */
export function adviceOf(one: Ground, other: Ground): Advice {
  const none = (why: string): Advice => ({keep: null, why})
  if (one.timeline === null || other.timeline === null) return none('a timeline is unknown')
  if (one.timeline === other.timeline) return none(`both are on timeline ${one.timeline}`)
  const [newer, older] = one.timeline > other.timeline ? [one, other] : [other, one]
  const facts = `${newer.host} has the higher timeline (${newer.timeline})`
  if (newer.followers.length === 0 && older.followers.length === 0) return none(`${facts}, and no other host follows`)
  if (older.followers.length > 0)
    return none(`${facts}, and ${enumerate(older.followers)} ${verb(older.followers)} ${older.host}`)
  if (older.isPrimary) return none(`${facts}, and ${older.host} still runs as a primary`)
  return {keep: newer.host, why: `${facts}, and ${enumerate(newer.followers)} ${verb(newer.followers)} it`}
}

/** Where the other host may hold commits that the kept one lacks, the advice says so. */
export const withWarning = (advice: Advice, other: string, mayHoldMore: boolean): Advice =>
  advice.keep === null || !mayHoldMore
    ? advice
    : {...advice, why: `${advice.why}; ${other} may hold commits that ${advice.keep} lacks: save them first`}

const verb = (names: readonly string[]) => (names.length === 1 ? 'follows' : 'follow')

/** By host: whom it streams from. */
export type Upstreams = ReadonlyMap<string, string | null>

/** The hosts that stream from `host`, directly or through others. `apart`: does not count. */
export function followersOf(host: string, upstreams: Upstreams, apart: string): readonly string[] {
  const leadsTo = (name: string) => {
    const seen = new Set<string>()
    for (let at: string | null = name; at !== null && !seen.has(at); at = upstreams.get(at) ?? null) {
      if (at === host) return true
      seen.add(at)
    }
    return false
  }
  return [...upstreams.keys()].filter((name) => name !== host && name !== apart && leadsTo(name)).sort()
}
