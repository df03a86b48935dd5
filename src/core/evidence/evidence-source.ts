import type {GroupView, Member} from '../facts/group-view.ts'
import type {Answer} from '../vocabulary.ts'

/**
 * What one source answers to "is `subject` the primary?". `subject` may be another host than the
 * one asked about, where the source names one itself.
 */
export type SourceAnswer = Readonly<{subject: string | null; answer: Answer; why: string; askedAt: number | null}>

/**
 * A source of evidence, asked about a host that SQL shows as primary. Sources that watch the
 * network (repmgr, Patroni, peers) are closures over the last thing they heard: asking one never
 * waits.
 */
export type Source = (leader: Member, view: GroupView) => SourceAnswer

export type Sources = Readonly<Record<string, Source>>
