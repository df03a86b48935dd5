import {testifyFollowers} from './followers.ts'
import {type GroupView, type Member, memberOf, oldest} from './group-view.ts'
import type {Evidence} from './snapshot.ts'
import type {Answer} from './words.ts'

/**
 * What one source answers to "is `subject` the primary?". `subject` may be another host than the
 * one asked about, where the source names one itself.
 */
export type Testimony = Readonly<{subject: string | null; answer: Answer; why: string; askedAt: number | null}>

/**
 * A source of evidence, asked about a host that SQL shows as primary. Sources that watch the
 * network (repmgr, Patroni, peers) are closures over the last thing they heard: asking one never
 * waits.
 */
export type Source = (leader: Member, view: GroupView) => Testimony

export type Sources = Readonly<Record<string, Source>>

/**
 * `majority`: more than half of the configured hosts answer us - so that a minority cut off with
 * the old primary cannot route to it.
 */
export function testifyMajority(leader: Member, view: GroupView): Testimony {
  const answering = view.members.filter(({standing}) => standing.role !== 'unavailable')
  const isMost = answering.length * 2 > view.members.length
  const why = `${answering.length} of ${view.members.length} hosts answer`
  return {
    subject: leader.host,
    answer: isMost ? 'confirms' : 'denies',
    why,
    askedAt: oldest(isMost ? answering : view.members),
  }
}

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
