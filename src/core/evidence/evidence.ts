import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import type {Evidence} from '../snapshot.ts'
import type {SourceAnswer, Sources} from './evidence-source.ts'
import {assessFollowers} from './followers.ts'
import {assessMajority} from './majority.ts'

/** The sources that need nothing but the hosts themselves. */
export const ownSources = (followersMaxAgeMs: number): Sources => ({
  majority: assessMajority,
  followers: (leader, view) => assessFollowers(leader, view, followersMaxAgeMs),
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
    const testimony: SourceAnswer = sources[source]?.(leader, view) ?? {
      subject: null,
      answer: 'silent',
      why: `nothing is known from ${source}`,
      askedAt: null,
    }
    const named = testimony.subject === null ? null : memberOf(view, testimony.subject)
    // The HA tool's leader is in recovery. (Whoever the source is asked about is not: it is a
    // primary, or was one when last seen.)
    const contradictsSql = named?.condition.role === 'standby'
    return {source, ...testimony, contradictsSql, required: required.includes(source)}
  })
}
