import {type Answer, dcsAgeSeconds} from '../../patroni/answer.ts'
import type {Status} from '../../patroni/data/status.ts'

/** What one member answered to `GET /leader`, as far as the rules need it. */
export type MemberAnswer = Readonly<{
  /** Monotonic: when the question was sent. */
  askedAt: number
}> &
  Readonly<{kind: 'answer'; status: number; body: MemberBody} | {kind: 'none'; why: string}>

/** `null`: the answer does not tell. */
export type MemberBody = Readonly<{
  /** Patroni's own words: `running`, `starting`, `crashed` … */
  state: string
  role: string
  timeline: number | null
  isPaused: boolean
  isUnlocked: boolean
  isFailsafe: boolean
  /** Age of what the member knows of its DCS, by its own clock, in whole seconds. */
  dcsAgeMs: number | null
  systemIdentifier: string | null
  scope: string | null
  /** Patroni 3.2 and later. */
  name: string | null
}>

/** `askedAt`: monotonic. */
export function memberAnswer(answer: Answer<Status>, askedAt: number): MemberAnswer {
  const {status, data} = answer
  if (data === null) return {askedAt, kind: 'none', why: `answers HTTP ${status}, but not as Patroni does`}
  // It repeats a verdict, and a verdict must not confirm itself.
  if (data.pgroute66 !== undefined)
    return {askedAt, kind: 'none', why: "is the local_api of a pgroute66, not Patroni: set Patroni's own URL"}
  const ageS = dcsAgeSeconds(answer)
  const body: MemberBody = {
    state: data.state,
    role: data.role,
    timeline: data.timeline ?? null,
    isPaused: data.pause === true,
    isUnlocked: data.cluster_unlocked === true,
    isFailsafe: data.failsafe_mode_is_active === true,
    dcsAgeMs: ageS === null ? null : ageS * 1_000,
    systemIdentifier: data.database_system_identifier ?? null,
    scope: data.patroni?.scope ?? null,
    name: data.patroni?.name ?? null,
  }
  return {askedAt, kind: 'answer', status, body}
}
