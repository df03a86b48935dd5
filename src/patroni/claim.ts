import {type Answer, dcsAgeSeconds} from './answer.ts'
import {patroniDefaults} from './data/config.ts'
import type {Status} from './data/status.ts'

/** Why an answer 200 of GET /leader is no claim. */
export type HollowReason =
  /** The member holds the lock, and is no primary: a failover or a crash is under way. */
  | 'role'
  /** PostgreSQL does not run there. */
  | 'state'
  /** In pause without a DCS, Patroni answers 200 by the role alone: a promoted standby does, too. */
  | 'paused-and-unlocked'
  /** The member knows of no lock, and failsafe mode does not keep it. */
  | 'unlocked'
  /** The member has not read the DCS for longer than the ttl: the lock may be another's. */
  | 'dcs-age'
  /** Not an answer of Patroni. */
  | 'no-status'

/**
 * What one answer of GET /leader says. A 200 says "I hold the lock"; it does not say that PostgreSQL
 * works. (Seen: 200 with the states crashed, starting, stopping and with the role replica.)
 */
export type LeaderWord = Readonly<
  | {
      kind: 'claim'
      /** `standby`: the leader of a standby cluster, which is no primary. */
      of: 'primary' | 'standby'
      /** No member holds the lock; failsafe mode keeps this one. Needs more than half of the members. */
      byFailsafe: boolean
      timeline: number | null
      dcsAgeSeconds: number | null
    }
  | {kind: 'hollow'; reason: HollowReason; dcsAgeSeconds: number | null}
  | {kind: 'denial'; isUnlocked: boolean; isFailsafe: boolean; dcsAgeSeconds: number | null}
  /** Neither 200 nor a status of Patroni. */
  | {kind: 'silent'}
>

/**
 * Rule P2. `ttl`: seconds, of the dynamic configuration. Versions before 2.1 do not tell the age of
 * their view: their claim counts without it.
 */
export function leaderWord(answer: Answer<Status>, ttl: number = patroniDefaults.ttl): LeaderWord {
  const {status, data} = answer
  const age = dcsAgeSeconds(answer)
  if (data === null)
    return status === 200 ? {kind: 'hollow', reason: 'no-status', dcsAgeSeconds: age} : {kind: 'silent'}
  const isUnlocked = data.cluster_unlocked === true
  const isFailsafe = data.failsafe_mode_is_active === true
  if (status !== 200) {
    return status === 503 ? {kind: 'denial', isUnlocked, isFailsafe, dcsAgeSeconds: age} : {kind: 'silent'}
  }
  const {role, state} = data
  const facts = {role, state, isPaused: data.pause === true, isUnlocked, isFailsafe, isOld: isOld(data, age, ttl)}
  const reason = hollowReason(facts)
  if (reason !== null) return {kind: 'hollow', reason, dcsAgeSeconds: age}
  return {
    kind: 'claim',
    of: role === 'standby_leader' ? 'standby' : 'primary',
    byFailsafe: isUnlocked,
    timeline: data.timeline ?? null,
    dcsAgeSeconds: age,
  }
}

/** Without the `Date` of the answer, the age of a view that has one cannot be told. */
const isOld = ({dcs_last_seen}: Status, age: number | null, ttl: number) =>
  dcs_last_seen !== undefined && (age === null || age > ttl)

/** What a member tells of itself, as far as rule P2 looks at it. `isOld`: its view of the DCS exceeds the ttl. */
export type LockFacts = Readonly<{
  role: string
  state: string
  isPaused: boolean
  isUnlocked: boolean
  isFailsafe: boolean
  isOld: boolean
}>

/**
 * Rule P2: the first reason for which a 200 is no claim; `null`: it is one, by failsafe mode where the
 * member knows of no lock. The daemon's source judges by this, too.
 */
export function hollowReason({role, state, isPaused, isUnlocked, isFailsafe, isOld}: LockFacts): HollowReason | null {
  if (isUnlocked && isPaused) return 'paused-and-unlocked'
  if (isUnlocked && !isFailsafe) return 'unlocked'
  if (isOld && !isUnlocked) return 'dcs-age'
  if (role !== 'primary' && role !== 'standby_leader') return 'role'
  return state === 'running' ? null : 'state'
}

/** One member's word, with who said it. `name`: Patroni tells it from 3.2 on. */
export type MemberWord<W extends LeaderWord = LeaderWord> = W &
  Readonly<{member: string; name: string | null; answer: Answer<Status>}>

/** Who holds the lock, by the members' own words. */
export type Leader = Readonly<{
  /** The only member that claims to lead; `null`: none does, or several do. */
  holder: MemberWord<Extract<LeaderWord, {kind: 'claim'}>> | null
  claims: readonly MemberWord<Extract<LeaderWord, {kind: 'claim'}>>[]
  /** Answered 200, and is no working leader. */
  hollow: readonly MemberWord<Extract<LeaderWord, {kind: 'hollow'}>>[]
  /** Answered 503: not I. */
  denials: readonly MemberWord<Extract<LeaderWord, {kind: 'denial'}>>[]
  /** No answer, or none of Patroni. Silence is no denial. */
  silent: readonly Readonly<{member: string; error: Error | null}>[]
}>

/** `null`: no answer, with why. */
export type Heard = Readonly<{member: string} & ({answer: Answer<Status>} | {error: Error})>

/** Pure. `ttl` as in `leaderWord`. */
export function leaderOf(heard: readonly Heard[], ttl?: number): Leader {
  const words = heard.flatMap((one): MemberWord[] =>
    'answer' in one
      ? [{...leaderWord(one.answer, ttl), member: one.member, name: nameIn(one.answer), answer: one.answer}]
      : [],
  )
  const of = <K extends LeaderWord['kind']>(kind: K) =>
    words.filter((word): word is MemberWord<Extract<LeaderWord, {kind: K}>> => word.kind === kind)
  const claims = of('claim')
  return {
    holder: claims.length === 1 ? (claims[0] ?? null) : null,
    claims,
    hollow: of('hollow'),
    denials: of('denial'),
    silent: [
      ...of('silent').map(({member}) => ({member, error: null})),
      ...heard.flatMap((one) => ('error' in one ? [{member: one.member, error: one.error}] : [])),
    ],
  }
}

const nameIn = ({data}: Answer<Status>) => data?.patroni?.name ?? null
