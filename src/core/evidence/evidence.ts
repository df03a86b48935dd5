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

/** Evidence, and what else its source says of it. */
export type CollectedEvidence = Evidence & Pick<SourceAnswer, 'freshUntil' | 'holdAtMostMs' | 'promotionMs'>

/** Which sources are asked, in this order, and which of them are required. */
export type Selection = Readonly<{asked: readonly string[]; required: readonly string[]}>

/** What the sources `asked` say of `leader`, in that order. */
export function collect(
  leader: Member,
  view: GroupView,
  sources: Sources,
  {asked, required}: Selection,
): readonly CollectedEvidence[] {
  return asked.map((source) => {
    const answer = fresh(source, sources[source]?.(leader, view), view)
    return {source, ...answer, contradictsSql: isContradiction(answer, view), required: required.includes(source)}
  })
}

/** What the sources `asked` say while no host is primary: those that name a host. */
export function collectUnled(
  view: GroupView,
  sources: Sources,
  {asked, required}: Selection,
): readonly CollectedEvidence[] {
  return asked.flatMap((source) => {
    const said = sources[source]?.assessUnled?.(view) ?? null
    if (said === null) return []
    const answer = fresh(source, said, view)
    return [{source, ...answer, contradictsSql: isContradiction(answer, view), required: required.includes(source)}]
  })
}

/**
 * The HA tool's leader is in recovery. (The leader that a source is asked about is not: it is a
 * primary, or was one when last seen.)
 */
const isContradiction = ({subject, answer}: SourceAnswer, view: GroupView): boolean =>
  answer !== 'silent' && subject !== null && memberOf(view, subject)?.condition.role === 'standby'

/** A source that does not exist is silent, and so is one whose last word is too old. */
function fresh(source: string, answer: SourceAnswer | undefined, view: GroupView): SourceAnswer {
  if (answer === undefined)
    return {subject: null, answer: 'silent', why: `nothing is known from ${source}`, askedAt: null}
  const {freshUntil, ...rest} = answer
  if (freshUntil === undefined || view.now <= freshUntil) return answer
  const ageS = rest.askedAt === null ? null : Math.round((view.now - rest.askedAt) / 1_000)
  const why = `the last word of ${source} is too old${ageS === null ? '' : ` (${ageS} s)`}: ${rest.why}`
  return {...rest, answer: 'silent', why}
}
