import {needsMessages} from '../core/evidence/confirmation.ts'
import type {HostRecord} from '../core/facts/host-record.ts'
import type {FollowersSettings, GroupSettings} from '../core/settings.ts'
import type {Verdict} from '../core/snapshot.ts'
import {isSplitBrain, mayLoseWrites} from '../core/verdict/verdict-kind.ts'

/** A group of the host in question, as of its last judgement. `undefined`: not judged yet. */
export type PolicyGroup = Readonly<{settings: Pick<GroupSettings, 'confirm'>; verdict: Verdict | undefined}>

const nudgeMs = 1_000

/**
 * Does the next probe also make the primary emit a tiny logical message? The standbys of a quiet
 * primary must hear from it, or it cannot be told from a dead one: where `followers` or `repmgr` is
 * required, and where rivals are compared. `nudgedAt`: monotonic, when the host was nudged last.
 */
export function isNudgeDue(
  groups: readonly PolicyGroup[],
  {nudge}: FollowersSettings,
  nudgedAt: number,
  now: number,
): boolean {
  const isWanted = groups.some(
    ({settings, verdict}) => (verdict !== undefined && isSplitBrain(verdict)) || settings.confirm.some(needsMessages),
  )
  return nudge && isWanted && now - nudgedAt >= nudgeMs
}

/** `write`: to a primary; `read`: from a standby; `null`: the host is left alone. */
export type HeartbeatTask = 'write' | 'read' | null

/**
 * What the next heartbeat does at a host. A doubtful primary (V0, V1, V2, a refused promotion) is not
 * written to: every byte that it writes is one more to lose. A stale answer does not tell a primary from a standby.
 */
export function heartbeatTask(
  record: HostRecord | undefined,
  groups: readonly PolicyGroup[],
  maxAgeMs: number,
  now: number,
): HeartbeatTask {
  if (record?.observation?.kind !== 'facts' || record.knock !== null || record.duplicateOf !== null) return null
  if (record.observation.facts.inRecovery) return 'read'
  if (now - record.observation.askedAt > maxAgeMs) return null
  const isDoubtful = groups.some(({verdict}) => verdict === undefined || mayLoseWrites(verdict))
  return isDoubtful ? null : 'write'
}
