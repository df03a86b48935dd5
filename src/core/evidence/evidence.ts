import {type GroupView, type Member, memberOf} from '../facts/group-view.ts'
import type {Evidence} from '../snapshot.ts'
import {type EvidenceSource, hostsSource, type SourceAnswer, type Sources} from './evidence-source.ts'
import {assessFollowers} from './followers.ts'
import {assessMajority} from './majority.ts'

/** The sources that need nothing but the hosts themselves. */
export const ownSources = (followersMaxAgeMs: number): readonly EvidenceSource[] => [
  hostsSource('majority', (leader, view) => assessMajority(leader, view, followersMaxAgeMs)),
  hostsSource('followers', (leader, view) => assessFollowers(leader, view, followersMaxAgeMs)),
]

/** Evidence, and the last moment at which it counts where that is not the hosts' own age. */
export type CollectedEvidence = Evidence & Pick<SourceAnswer, 'freshUntil'>

/** What the sources `asked` say of `leader`, in that order. */
export function collect(
  leader: Member,
  view: GroupView,
  sources: Sources,
  {asked, required}: Readonly<{asked: readonly string[]; required: readonly string[]}>,
): readonly CollectedEvidence[] {
  return asked.map((source) => {
    const answer = answerOf(source, leader, view, sources)
    const named = answer.subject === null ? null : memberOf(view, answer.subject)
    // The HA tool's leader is in recovery. (`leader` itself is not: it is a primary, or was one
    // when last seen.)
    const contradictsSql = named?.condition.role === 'standby'
    return {source, ...answer, contradictsSql, required: required.includes(source)}
  })
}

/** A source that does not exist is silent, and so is one whose last word is too old. */
function answerOf(source: string, leader: Member, view: GroupView, sources: Sources): SourceAnswer {
  const answer = sources[source]?.(leader, view)
  if (answer === undefined)
    return {subject: null, answer: 'silent', why: `nothing is known from ${source}`, askedAt: null}
  const {freshUntil, ...rest} = answer
  if (freshUntil === undefined || view.now <= freshUntil) return answer
  const ageS = rest.askedAt === null ? null : Math.round((view.now - rest.askedAt) / 1_000)
  const why = `the last word of ${source} is too old${ageS === null ? '' : ` (${ageS} s)`}: ${rest.why}`
  return {...rest, answer: 'silent', why}
}
