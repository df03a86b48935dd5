import type {SourceAnswer} from '../../core/evidence/evidence-source.ts'
import {enumerate} from '../../core/phrases.ts'
import {type Claim, type ClaimContext, claimOf, seconds} from './claim.ts'
import type {LeaderKey} from './leader-key.ts'
import type {MemberAnswer} from './member-answer.ts'

/** A member of the cluster and what it answered last. */
export type MemberWord = Readonly<{
  /** How the reasons name it: its name, else its URL. */
  member: string
  /** Its name in Patroni; `null`: not known. */
  name: string | null
  /** The configured host that it is; `null`: none for certain. */
  host: string | null
  answer: MemberAnswer
}>

export type PatroniCase = ClaimContext &
  Readonly<{
    /** `rest`: the members alone; `etcd`: the leader key alone; `both`: the key must not deny. */
    via: 'rest' | 'etcd' | 'both'
    members: readonly MemberWord[]
    /** `null`: no etcd is configured. */
    key: LeaderKey | null
    /** The host that a member is, for the members that only the key names. */
    hostOf: (member: string) => string | null
    /** How many members share the failsafe mode; `null`: not known. */
    failsafeMembers: number | null
    /** For how long two have held the lock; 0: not before now. */
    disputedForMs: number
  }>

/** The host in question, as SQL shows it. */
export type Candidate = Readonly<{host: string; timeline: number | null}>

type Judged = MemberWord & Readonly<{claim: Claim}>

/** Shorter is a change of the leader, seen from two sides. */
const disputeMs = 1_000

/**
 * H3 to H7: does Patroni confirm that `host` is the primary? SQL has shown it as one. A denial needs
 * a word that counts; where there is none, Patroni is silent.
 */
export function assessPatroni({host, timeline}: Candidate, given: PatroniCase): SourceAnswer {
  const {via} = given
  const judged = via === 'etcd' ? [] : judge(given)
  const key = via === 'rest' ? null : readable(given)
  const askedAt = oldestOf(judged, key)
  const say = (answer: SourceAnswer['answer'], why: string, more: Partial<SourceAnswer> = {}): SourceAnswer => ({
    subject: host,
    answer,
    why,
    askedAt,
    ...more,
  })
  const own = judged.find((word) => word.host === host)
  const holders = judged.filter(isHolder)
  const other = holders.find((word) => word.host !== host)

  if (own?.claim.kind === 'stranger') return say('denies', own.claim.why)
  const nameless = own === undefined ? leaderOfNoHost(holders, key, given) : null
  if (nameless !== null) return say('silent', `${nameless} leads, and it is not known which host it is: ${advice}`)
  // H4, H7.
  if (other !== undefined) return say('denies', disputeText(holders, given), {subject: other.host})
  const named = key?.leader ?? null
  const isNamed = named !== null && (named === own?.name || given.hostOf(named) === host)
  if (named !== null && !isNamed) {
    const also = own !== undefined && isHolder(own) ? `, and ${own.claim.why}` : ''
    return say('denies', `the leader key names ${named}${also}`, {subject: given.hostOf(named)})
  }
  if (via === 'etcd') return byKey(given, key, named, say)
  if (own === undefined) return say('silent', `no member of Patroni is known for ${host}: ${advice}`)
  return byOwnClaim(own, timeline, {given, judged, key, say})
}

type Say = (answer: SourceAnswer['answer'], why: string, more?: Partial<SourceAnswer>) => SourceAnswer
type Readable = Extract<LeaderKey, {kind: 'read'}>

type Hearing = Readonly<{given: PatroniCase; judged: readonly Judged[]; key: Readable | null; say: Say}>

const advice = 'set patroni.members'

/** The member that leads and may be any host, the one in question too; `null`: its host is known. */
function leaderOfNoHost(holders: readonly Judged[], key: Readable | null, {hostOf}: PatroniCase): string | null {
  const holder = holders.find(({host}) => host === null)
  if (holder !== undefined) return holder.member
  const named = key?.leader ?? null
  return named !== null && hostOf(named) === null ? named : null
}

/** What the host's own member says, where neither another member nor the key speaks against it. */
function byOwnClaim(own: Judged, timeline: number | null, {given, judged, key, say}: Hearing): SourceAnswer {
  const {claim} = own
  const failsafe = judged.filter((word) => word.claim.isFailsafe)
  const isLockGone = judged.some((word) => word.claim.kind === 'unlocked' && word.claim.isFresh)
  if (claim.kind === 'silent') {
    const isKeyGone = key !== null && key.leader === null
    return (isLockGone || isKeyGone) && failsafe.length === 0
      ? say('denies', `${claim.why}, and no member holds the leader lock`)
      : say('silent', claim.why)
  }
  if (claim.kind !== 'claims') return say('denies', claim.why)
  if (claim.timeline !== null && timeline !== null && claim.timeline !== timeline) {
    const why = `${claim.why}, but on timeline ${claim.timeline}; ${own.host} answers on timeline ${timeline}`
    return say('silent', why)
  }
  // H5. In failsafe mode no member can write the key: it ends while the leader is right.
  if (claim.byFailsafe) {
    const size = given.failsafeMembers ?? judged.length
    const isMost = failsafe.length * 2 > size
    // The others are asked at other moments, and enter the mode at others: meanwhile the lock lives.
    if (!isMost && given.now <= claim.lockedUntil)
      return say('confirms', `${claim.why}, and its lock has not ended yet`, {
        freshUntil: Math.min(claim.freshUntil, claim.lockedUntil),
      })
    if (!isMost)
      return say('silent', `${claim.why}, but only ${failsafe.length} of ${size} members are in failsafe mode`)
    const until = Math.min(...failsafe.map(({answer}) => answer.askedAt + given.maxAgeMs))
    const why = `${claim.why}, and ${failsafe.length} of ${size} members agree`
    return say('confirms', why, {freshUntil: Math.min(claim.freshUntil, until)})
  }
  if (key !== null && key.leader === null) return say('denies', `${claim.why}, but the leader key is absent`)
  const agreed = key === null ? '' : ', and the leader key names it'
  return say('confirms', claim.why + agreed, {freshUntil: claim.freshUntil})
}

/** `via: etcd`. */
function byKey(given: PatroniCase, key: Readable | null, named: string | null, say: Say): SourceAnswer {
  if (key === null) return say('silent', unreadText(given.key))
  if (named === null) return say('denies', 'the leader key is absent')
  const {lease, members, askedAt} = key
  if (lease === null || lease.leftMs <= 0)
    return say('silent', `the leader key names ${named}, but its lease has ended`)
  const member = members.find(({name}) => name === named)
  if (member?.role !== 'primary' || member.state !== 'running') {
    const state = member === undefined ? 'there is no key of it' : `${member.state ?? '?'}, role ${member.role ?? '?'}`
    return say('denies', `the leader key names ${named}, but its own key says otherwise (${state})`)
  }
  const why = `${named} leads by its key, ${seconds(lease.grantedMs - lease.leftMs)} old`
  return say('confirms', why, {freshUntil: Math.min(askedAt + given.maxAgeMs, askedAt + lease.leftMs)})
}

/**
 * Whom Patroni names while no host is primary: the member that says that it holds the lock, else the
 * one in the leader key. `null`: none that is a host.
 */
export function assessUnled(given: PatroniCase): SourceAnswer | null {
  const judged = given.via === 'etcd' ? [] : judge(given)
  const key = given.via === 'rest' ? null : readable(given)
  const holder = judged.find(isHolder)
  const named = key?.leader ?? null
  const subject = holder?.host ?? (named === null ? null : given.hostOf(named))
  if (subject === null) return null
  const why = holder?.claim.why ?? `the leader key names ${named}`
  const askedAt = oldestOf(judged, key)
  const saidAt = (holder === undefined ? key?.askedAt : holder.answer.askedAt) ?? given.now
  return {subject, answer: 'denies', why, askedAt, freshUntil: saidAt + given.maxAgeMs}
}

/** H7: the members that hold the lock beside each other, by their own word or by the key. */
export function lockHolders(given: PatroniCase): readonly string[] {
  const claiming = judge(given).filter(isHolder)
  const names = claiming.map(({member}) => member)
  const named = readable(given)?.leader ?? null
  const isKnown = claiming.some((word) => word.name === named || (named !== null && word.host === given.hostOf(named)))
  return named === null || isKnown ? names : [...names, named]
}

function disputeText(holders: readonly Judged[], {disputedForMs}: PatroniCase): string {
  if (holders.length > 1 && disputedForMs > disputeMs)
    return `two members hold the lock: ${holders.map(({claim}) => claim.why).join('; ')}`
  return enumerate(holders.map(({claim}) => claim.why))
}

const judge = (given: PatroniCase): readonly Judged[] =>
  given.members.map((word) => ({...word, claim: claimOf(word.member, word.answer, given)}))

/** A member that says 200 holds the lock, whatever its PostgreSQL does. */
const isHolder = ({claim}: Judged) => claim.kind === 'claims' || claim.kind === 'hollow'

/** H1 for the key. `null`: it cannot be read, or was read too long ago. */
function readable({key, now, maxAgeMs}: PatroniCase): Readable | null {
  return key?.kind === 'read' && now - key.askedAt <= maxAgeMs ? key : null
}

const unreadText = (key: LeaderKey | null) =>
  key?.kind === 'unread' ? `the leader key cannot be read: ${key.why}` : 'the leader key was read too long ago'

const oldestOf = (judged: readonly Judged[], key: Readable | null): number | null => {
  const spoke = judged.filter(({claim}) => claim.kind !== 'silent').map(({answer}) => answer.askedAt)
  const asked = key === null ? spoke : [...spoke, key.askedAt]
  return asked.length === 0 ? null : Math.min(...asked)
}
