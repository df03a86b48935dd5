import type {Member} from './group-view.ts'
import {factsOf} from './host-record.ts'
import {lsnDifference} from './lsn.ts'

export type Lag = Readonly<{lagBytes: number | null; lagMs: number | null}>
export const unknownLag: Lag = {lagBytes: null, lagMs: null}

/**
 * How far a standby is behind the primary (DESIGN 4.4). Lag must not lie: without a streaming
 * receiver, on another timeline, or ahead of the primary (a diverged standby) it is unknown, and no
 * limit admits what is unknown.
 */
export function lagOf(standby: Member, primary: Member | null): Lag {
  const [behind, ahead] = [factsOf(standby.record)?.facts, primary && factsOf(primary.record)?.facts]
  const receiver = behind?.receiver
  if (
    !behind ||
    !ahead ||
    !primary ||
    receiver?.status !== 'streaming' ||
    receiver.receivedTimeline !== primary.timeline
  )
    return unknownLag
  const difference = lsnDifference(ahead.lsn, behind.lsn)
  if (difference === null) return unknownLag
  // The two were not asked at the same moment: a standby may well be past what the primary said
  // before - if it has heard from its sender since.
  const {askedAt, probeMs} = standby.record.observation ?? {askedAt: 0, probeMs: 0}
  const heardAt = askedAt + probeMs - (receiver.lastMessageAgeMs ?? 0)
  if (difference < 0 && heardAt < (primary.askedAt ?? 0)) return unknownLag

  const lagBytes = Math.max(0, difference)
  if (lagBytes === 0) return {lagBytes, lagMs: 0}
  // The age of the last replayed commit grows for ever on an idle primary. Where all is replayed
  // that the sender told of, the standby is behind by no more than the age of that message.
  const unreplayed = lsnDifference(receiver.latestEndLsn, behind.lsn)
  return {lagBytes, lagMs: unreplayed !== null && unreplayed <= 0 ? receiver.lastMessageAgeMs : behind.lastReplayAgeMs}
}
