import {type Decision, decide, type Held, next, type Standing} from '../../../actuators/guard/plan.ts'
import type {GuardSite} from '../../../config/guard-site.ts'
import {answersCountFor} from '../../../core/node/guard-settings.ts'
import type {Snapshot} from '../../../core/snapshot.ts'
import type {Word} from '../../../sources/peer/vote.ts'
import {decideByAny} from './any-quorum.ts'
import {othersOf} from './others.ts'

export type Now = Readonly<{
  snapshot: Snapshot
  standing: Standing
  /** What neighbours and the witness said last, by URL. */
  words: ReadonlyMap<string, Word>
  held: Held
  now: number
}>

/** What the guard holds after one more pass. */
export function decideNow(site: GuardSite, pass: Now): Held {
  const {leaseMs, intervalMs, deadlineMs} = site.guard
  const {held, now, snapshot, words} = pass
  const others = othersOf(site.guard, words, snapshot.epoch)
  // A pass that takes longer than an interval and the deadline denies; then comes the rest between two passes.
  const mostBetweenMs = 2 * intervalMs + deadlineMs
  const answersCountMs = answersCountFor(site.guard)
  return next(held, decisionOf(site, pass), {now, leaseMs, answersCountMs, others, mostBetweenMs})
}

/** What this pass alone comes to, by the quorum of the configuration. */
function decisionOf({guard, group, host, monitor}: GuardSite, pass: Now): Decision {
  const {standing, now, held} = pass
  const {leaseMs, allowReadOnly, quorum} = guard
  const {maxAgeMs} = monitor.probe
  return quorum === 'any'
    ? decideByAny({...pass, before: held.decision, group, host: host.name, guard, maxAgeMs})
    : decide({standing, host: host.name, allowReadOnly, now, leaseMs})
}
