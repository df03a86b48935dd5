import type {GroupView, Member} from '../facts/group-view.ts'
import type {Answer} from '../vocabulary.ts'

/**
 * What one source answers to "is `leader` the primary?". `subject` is the host that the source
 * speaks of: another one than `leader` where the source names a host itself.
 */
export type SourceAnswer = Readonly<{
  subject: string | null
  answer: Answer
  /** In words, for an operator. */
  why: string
  /** Monotonic: when the oldest question behind the answer was sent. `null`: nothing was asked. */
  askedAt: number | null
  /**
   * Monotonic: the last moment at which the answer counts; after it the source counts as silent.
   * Absent: the answer is read from the hosts' own answers, whose age the monitor knows.
   */
  freshUntil?: number
  /**
   * How long the last confirmation may stand in for a silent source, whatever `on_silent` says;
   * 0: not at all. Absent: as `on_silent` says.
   */
  holdAtMostMs?: number
  /**
   * For how long the source may name a host that is still in recovery: every promotion takes a
   * moment. Absent: 0.
   */
  promotionMs?: number
}>

export type Assess = ((leader: Member, view: GroupView) => SourceAnswer) & Pick<EvidenceSource, 'assessUnled'>

/** The sources of one group, by name, as the judge asks them. */
export type Sources = Readonly<Record<string, Assess>>

/**
 * Something that says who is primary: the hosts themselves (`majority`, `followers`), or a system
 * that the source watches by itself (repmgr, Patroni, peers). The monitor asks it, subscribes to
 * it, and disposes of it; disposing does not throw.
 */
export interface EvidenceSource extends AsyncDisposable {
  /** As in `confirm`, in the API and in metrics. Unique in a group. */
  readonly name: string
  /**
   * The answer as of `view.now`, from what the source heard last. Called on every judgement: must
   * not wait, must not throw, must not call `changed`.
   */
  assess(leader: Member, view: GroupView): SourceAnswer
  /**
   * The same while no host is primary: whom the source names. `null`: it names no host. Absent: the
   * source only speaks of a primary.
   */
  assessUnled?(view: GroupView): SourceAnswer | null
  /**
   * `changed` is called when the answer for a group may be another one than before: the group is
   * judged again at once, without a probe. Not called because time passes: `freshUntil` says that.
   */
  subscribe(changed: (group: string) => void): () => void
}

/** A source and where it counts. */
export type GroupSource = Readonly<{source: EvidenceSource; groups: readonly string[] | 'all'}>

/** A source that reads nothing but the hosts' answers. It has no news: every answer is judged. */
export const hostsSource = (name: string, assess: Assess): EvidenceSource => ({
  name,
  assess,
  subscribe: () => () => {},
  async [Symbol.asyncDispose]() {},
})

export const sourcesByName = (sources: readonly EvidenceSource[]): Sources =>
  Object.fromEntries(
    sources.map((source) => {
      const assess: Assess = (leader, view) => source.assess(leader, view)
      if (source.assessUnled) assess.assessUnled = (view) => source.assessUnled?.(view) ?? null
      return [source.name, assess]
    }),
  )
