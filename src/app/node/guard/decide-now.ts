import {type Decision, decide, type Standing} from '../../../actuators/guard/plan.ts'
import type {GuardSite} from '../../../config/guard-site.ts'
import type {Snapshot} from '../../../core/snapshot.ts'
import type {Word} from '../../../sources/peer/vote.ts'
import {decideByAny} from './any-quorum.ts'

export type Now = Readonly<{
  snapshot: Snapshot
  standing: Standing
  /** What neighbours and the witness said last, by URL. */
  words: ReadonlyMap<string, Word>
  /** The decision in force. */
  before: Decision
  now: number
}>

/** What one pass comes to, by the quorum of the configuration. */
export function decideNow({guard, group, host, monitor}: GuardSite, pass: Now): Decision {
  const {standing, now} = pass
  const {leaseMs, allowReadOnly, quorum} = guard
  return quorum === 'any'
    ? decideByAny({...pass, group, host: host.name, guard, maxAgeMs: monitor.probe.maxAgeMs})
    : decide({standing, host: host.name, allowReadOnly, now, leaseMs})
}
