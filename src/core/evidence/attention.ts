import type {Member} from '../facts/group-view.ts'
import type {Answer} from '../vocabulary.ts'

/** After a promotion an HA tool needs seconds: it is asked fast, for this long at most. */
const longestFastMs = 60_000

/** How eagerly an external source asks: fast while a primary that is looked at is not confirmed. */
export class Attention {
  /** By primary, because several rivals may be looked at in turn. `null`: it is confirmed. */
  readonly #primaries = new Map<string, Readonly<{timeline: number | null; unsettledSince: number | null}>>()

  /** `true`: this primary, or its timeline, is a new one: what the source heard may be from before it. */
  look({host, timeline}: Member, answer: Answer, now: number): boolean {
    const before = this.#primaries.get(host)
    const isNew = before?.timeline !== timeline
    const since = isNew ? now : (before.unsettledSince ?? now)
    this.#primaries.set(host, {timeline, unsettledSince: answer === 'confirms' ? null : since})
    return isNew
  }

  hasLookedAt(host: string): boolean {
    return this.#primaries.has(host)
  }

  isFast(now: number): boolean {
    return [...this.#primaries.values()].some(
      ({unsettledSince}) => unsettledSince !== null && now - unsettledSince < longestFastMs,
    )
  }
}
