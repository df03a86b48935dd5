import {hollowReason} from '../../patroni/claim.ts'
import type {MemberAnswer, MemberBody} from './member-answer.ts'

/**
 * What the answer of one member is worth (rules H1, H2, H5 and H6). `claims`: it holds the lock, and
 * its PostgreSQL works as a primary. `hollow`: it says that it holds the lock, and no more.
 * `yields`: it does not hold the lock. `unlocked`: it knows of no lock at all. `stranger`: it belongs
 * to another cluster. `silent`: nothing follows from it.
 */
export type Claim = Readonly<{why: string; isFailsafe: boolean}> &
  Readonly<
    | {
        kind: 'claims'
        timeline: number | null
        byFailsafe: boolean
        /** Monotonic: the last moment at which the answer counts. */
        freshUntil: number
        /** Monotonic: until when its lock is certainly in the DCS, should it not be renewed again. */
        lockedUntil: number
      }
    | {kind: 'unlocked'; isFresh: boolean}
    | {kind: 'hollow' | 'yields' | 'stranger' | 'silent'}
  >

export type ClaimContext = Readonly<{
  scope: string
  /** The group's; `null`: not known. */
  systemIdentifier: string | null
  /** How old a member's view of the DCS may be before its lock has ended. */
  ttlMs: number
  /** The lock may have been renewed for the last time one loop before the DCS was last read. */
  loopWaitMs: number
  now: number
  maxAgeMs: number
}>

/** `member`: how the reasons name it. */
export function claimOf(member: string, answer: MemberAnswer, context: ClaimContext): Claim {
  const {now, maxAgeMs} = context
  if (answer.kind === 'none') return silent(`${member} ${answer.why}`)
  // H1: by our own clock, from when it was asked.
  if (now - answer.askedAt > maxAgeMs) return silent(`${member} answered ${seconds(now - answer.askedAt)} ago`)
  const {status, body} = answer
  if (status !== 200 && status !== 503) return silent(`${member} answers HTTP ${status}`)
  return strangeness(member, body, context) ?? judge(member, status, body, {...context, askedAt: answer.askedAt})
}

/** H1. `null`: it is a member of our cluster. */
function strangeness(member: string, body: MemberBody, {scope, systemIdentifier}: ClaimContext): Claim | null {
  if (body.scope === null) return silent(`${member} does not tell its scope`)
  if (body.scope !== scope) return {...plain(`${member} belongs to the scope ${body.scope}`), kind: 'stranger'}
  if (body.systemIdentifier === null) return silent(`${member} does not tell its cluster (${stateOf(body)})`)
  if (systemIdentifier !== null && body.systemIdentifier !== systemIdentifier)
    return {...plain(`${member} belongs to the cluster ${body.systemIdentifier}`), kind: 'stranger'}
  return null
}

type Asked = ClaimContext & Readonly<{askedAt: number}>

function judge(member: string, status: number, body: MemberBody, asked: Asked): Claim {
  const {ttlMs, loopWaitMs, askedAt, maxAgeMs, now} = asked
  const {state, role, isPaused, isUnlocked, isFailsafe, dcsAgeMs, timeline} = body
  const dcsIsFresh = dcsAgeMs !== null && dcsAgeMs + (now - askedAt) <= ttlMs
  const about = (why: string) => ({why, isFailsafe})
  const reason = hollowReason({role, state, isPaused, isUnlocked, isFailsafe, isOld: !dcsIsFresh})
  if (reason === 'paused-and-unlocked' || reason === 'unlocked') {
    const paused = isPaused ? ' (paused: 200 is given by role alone)' : ''
    return {...about(`${member} knows of no leader lock${paused}`), kind: 'unlocked', isFresh: dcsIsFresh}
  }
  if (reason === 'dcs-age') {
    const when = dcsAgeMs === null ? 'at a time that it does not tell' : `${seconds(dcsAgeMs + now - askedAt)} ago`
    return {...about(`${member} last saw its DCS ${when}`), kind: 'silent'}
  }
  if (status === 503) return {...about(`${member} does not hold the leader lock`), kind: 'yields'}
  // The leader of a standby cluster is no primary.
  if (reason !== null || role !== 'primary')
    return {...about(`${member} holds the leader lock, but is ${stateOf(body)}`), kind: 'hollow'}
  const byFailsafe = isUnlocked
  const seenUntil = askedAt + ttlMs - (dcsAgeMs ?? ttlMs)
  const freshUntil = Math.min(askedAt + maxAgeMs, byFailsafe ? Number.POSITIVE_INFINITY : seenUntil)
  const by = byFailsafe ? `${member} leads in failsafe mode` : `${member} holds the leader lock`
  return {...about(by), kind: 'claims', timeline, byFailsafe, freshUntil, lockedUntil: seenUntil - loopWaitMs}
}

const stateOf = ({state, role}: MemberBody) => `${state}, role ${role}`
const plain = (why: string) => ({why, isFailsafe: false})
const silent = (why: string): Claim => ({...plain(why), kind: 'silent'})
export const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`
