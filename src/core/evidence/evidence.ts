import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import type {Evidence} from '../snapshot.ts'
import type {Sources, Testimony} from './evidence-source.ts'
import {testifyFollowers} from './followers.ts'
import {testifyMajority} from './majority.ts'

/** The sources that need nothing but the hosts themselves. */
export const ownSources = (followersMaxAgeMs: number): Sources => ({
  majority: testifyMajority,
  followers: (leader, view) => testifyFollowers(leader, view, followersMaxAgeMs),
})

/**
 * What the sources `asked` say of `leader`, in that order. A source that does not exist is silent.
 */
export function collect(
  leader: Member,
  view: GroupView,
  sources: Sources,
  asked: readonly string[],
  required: readonly string[],
): readonly Evidence[] {
  return asked.map((source) => {
    const testimony: Testimony = sources[source]?.(leader, view) ?? {
      subject: null,
      answer: 'silent',
      why: `nothing is known from ${source}`,
      askedAt: null,
    }
    const named = testimony.subject === null ? null : memberOf(view, testimony.subject)
    // The HA tool's leader is in recovery. (Whoever the source is asked about is not: it is a
    // primary, or was one when last seen.)
    const contradictsSql = named?.standing.role === 'standby'
    return {source, ...testimony, contradictsSql, required: required.includes(source)}
  })
}
