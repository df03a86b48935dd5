import {followersOf} from '../evidence/followers.ts'
import type {GroupView, Member} from '../facts/group-view.ts'
import {enumerate} from '../phrases.ts'

/**
 * Which of several primaries looks stale (DESIGN 4.2). A host is named only where the timeline
 * *and* the followers agree. Otherwise both facts are stated and no host is named: an accidental
 * promotion makes the wrong host the highest, and two promotions from one parent have equal
 * histories. Never from LSNs. `leading`: the one host that is strictly highest and followed by
 * most; `null` when there is no such host.
 */
export function findSuspect(
  rivals: readonly Member[],
  view: GroupView,
  maxAgeMs: number,
): Readonly<{suspect: string | null; leading: Member | null; why: string}> {
  const counted = rivals.map((rival) => ({
    rival,
    followers: rival.condition.role === 'primary' ? followersOf(rival, view, maxAgeMs) : [],
  }))
  const newest = soleMax(counted, ({rival}) => rival.timeline ?? -1)
  const mostFollowed = soleMax(counted, ({followers}) => followers.length)
  // A rival that fell silent may have moved to a higher timeline since, so it allows no conclusion
  // about the others.
  const areKnown = rivals.every(({condition, timeline}) => condition.role === 'primary' && timeline !== null)
  const leading = areKnown && newest !== null && newest === mostFollowed ? newest.rival : null
  const stale = leading === null ? [] : rivals.filter((rival) => rival !== leading)

  const described = counted.map(({rival: {host, timeline, condition}, followers}) => {
    if (condition.role !== 'primary') return `${host} (was primary, now silent: ${condition.cause ?? 'not asked yet'})`
    const following = followers.length > 0 ? `followed by ${enumerate(followers)}` : 'no followers'
    return `${host} (timeline ${timeline ?? 'unknown'}, ${following})`
  })
  const opening = `split brain: ${enumerate(described)} are ${rivals.length === 2 ? 'both' : 'all'} primary`
  const silent = rivals.filter(({condition}) => condition.role !== 'primary').map(({host}) => host)
  const ending =
    stale.length > 0
      ? `; ${enumerate(stale.map(({host}) => host))} look${stale.length === 1 ? 's' : ''} stale`
      : silent.length > 0
        ? ''
        : '; timeline and followers do not agree on which one is stale'
  return {
    suspect: stale.length === 1 ? (stale[0]?.host ?? null) : null,
    leading,
    why: opening + ending + remedyOf(rivals),
  }
}

/** What ends a split brain of which some rivals are out of sight; empty: all of them are seen. */
function remedyOf(rivals: readonly Member[]): string {
  const silent = rivals.filter(({condition}) => condition.role !== 'primary')
  if (silent.length === 0) return ''
  const accept = 'run "pgroute66 accept HOST" for the right primary'
  const refusing = silent.filter(({condition}) => condition.cause === 'refused')
  if (refusing.length === silent.length) {
    const names = enumerate(refusing.map(({host}) => host))
    const [refuses, it] = silent.length === 1 ? ['refuses', 'it is'] : ['refuse', 'they are']
    return `; ${names} ${refuses} connections but did not say that ${it} stopping: if ${it} stopped, ${accept}`
  }
  const names = enumerate(silent.map(({host}) => host))
  const verbs =
    silent.length === 1 ? 'answers as a standby or is seen to stop' : 'answer as standbys or are seen to stop'
  return `; the split brain ends when ${names} ${verbs}, or when you ${accept}`
}

/** The only element with the highest measure; `null` when it is shared. */
function soleMax<T>(items: readonly T[], measure: (item: T) => number): T | null {
  const most = Math.max(...items.map(measure))
  const top = items.filter((item) => measure(item) === most)
  return top.length === 1 ? (top[0] ?? null) : null
}
