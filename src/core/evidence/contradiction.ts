import type {Change, Evidence} from '../snapshot.ts'
import type {CollectedEvidence} from './evidence.ts'

/** What a change of kind `evidence` leads to, beside the answers of a source. */
export const agrees = 'agrees with SQL'
export const contradicts = 'contradicts SQL'

/**
 * Since when each source contradicts SQL (`contradictsSince`), and whether that lasts longer than a
 * promotion takes (`isAtOdds`). `before`: the evidence of the judgement before. `now`: monotonic.
 */
export const dateContradictions = (
  evidence: readonly CollectedEvidence[],
  before: readonly Evidence[],
  now: number,
): readonly CollectedEvidence[] =>
  evidence.map((item) => {
    if (!item.contradictsSql) return item
    const since = before.find((other) => isSame(other, item))?.contradictsSince ?? now
    const isAtOdds = now - since >= (item.promotionMs ?? 0)
    return {...item, contradictsSince: since, ...(isAtOdds && {isAtOdds})}
  })

/** Monotonic: when the first of the contradictions has lasted longer than a promotion takes. */
export const atOddsFrom = (evidence: readonly CollectedEvidence[]): readonly number[] =>
  evidence.flatMap(({contradictsSince, isAtOdds, promotionMs = 0}) =>
    contradictsSince === undefined || isAtOdds ? [] : [contradictsSince + promotionMs],
  )

/** A source that came to be at odds with SQL for longer than a promotion takes, or no longer is. */
export function changesOfContradictions(
  group: string,
  before: readonly Evidence[],
  after: readonly Evidence[],
): readonly Change[] {
  const [was, is] = [before, after].map((items) => items.filter(({isAtOdds}) => isAtOdds)) as [Evidence[], Evidence[]]
  const change = ({source, subject, why}: Evidence, begins: boolean): Change => {
    const text = begins
      ? `${source} names ${subject}, which is in recovery: ${why}`
      : `${source} no longer names ${subject} while it is in recovery`
    return {
      kind: 'evidence',
      group,
      host: subject,
      from: begins ? agrees : contradicts,
      to: begins ? contradicts : agrees,
      rule: null,
      why: text,
    }
  }
  return [
    ...is.filter((item) => !was.some((other) => isSame(other, item))).map((item) => change(item, true)),
    ...was.filter((item) => !is.some((other) => isSame(other, item))).map((item) => change(item, false)),
  ]
}

/** For the end of a reason: the sources that name a leader which is in recovery. */
export const contradictionText = (evidence: readonly Evidence[]): string =>
  evidence
    .filter(({contradictsSql}) => contradictsSql)
    .map(({source, subject}) => `; ${source} names ${subject} as the leader, which is in recovery`)
    .join('')

const isSame = (one: Evidence, other: Evidence) => one.source === other.source && one.subject === other.subject
