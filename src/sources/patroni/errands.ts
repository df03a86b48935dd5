import type {Clock} from '../../core/ports.ts'
import type {ClusterMember} from '../../patroni/data/cluster.ts'
import type {PatroniMember} from '../../patroni/member.ts'
import type {LeaderTree} from './leader-tree.ts'
import type {MemberAnswer} from './member-answer.ts'
import type {Errand} from './member-watch.ts'
import type {KnownMember} from './membership.ts'
import {type Timing, timingOf} from './timing.ts'

/** What a member is asked beside the lock. */
export type Lesson = 'timing' | 'members' | 'failsafe'

type ErrandsDeps = Readonly<{clock: Clock; learned: (what: Lesson) => void}>

/** How long what was learned is believed, and how long a question that failed is not repeated. */
const pace: Readonly<Record<Lesson, Readonly<{againMs: number; retryMs: number}>>> = {
  timing: {againMs: 60_000, retryMs: 10_000},
  failsafe: {againMs: 30_000, retryMs: 5_000},
  // GET /cluster makes the member read its DCS: rarely, or a member that is stuck looks fresh.
  members: {againMs: 600_000, retryMs: 60_000},
}
const limitMs = 1_000

/**
 * What changes seldom: the pace of the cluster, its members, and who shares the failsafe mode. Asked
 * between two questions about the lock, of whichever member answers.
 */
export class Errands {
  readonly #deps: ErrandsDeps
  readonly #due = new Map<Lesson, number>()
  #members: readonly KnownMember[] = []
  #timing: Timing | null = null
  #failsafeMembers: number | null = null
  /** A host of the group has no member yet. */
  needsMembers = false

  constructor(deps: ErrandsDeps) {
    this.#deps = deps
  }

  get timing(): Timing | null {
    return this.#timing
  }

  get failsafeMembers(): number | null {
    return this.#failsafeMembers
  }

  /** The next question for a member that has just answered so; `null`: none is due. */
  next({status, body}: Extract<MemberAnswer, {kind: 'answer'}>): Errand | null {
    const isAlone = body.isUnlocked || body.dcsAgeMs === null || body.dcsAgeMs > 10_000
    if (body.isFailsafe && this.#isDue('failsafe')) return this.#errand('failsafe', askFailsafe)
    // Without its DCS a member does not answer these.
    if ((status !== 200 && status !== 503) || isAlone) return null
    if (this.#isDue('timing')) return this.#errand('timing', askTiming)
    if (this.needsMembers && this.#isDue('members')) return this.#errand('members', askMembers)
    return null
  }

  /** The configured members, or those of the cluster, where it has more of them. */
  urlsBeside(configured: readonly string[]): readonly string[] {
    const own = configured.flatMap((url) => urlOf(url) ?? [])
    const told = this.#members.flatMap(({url}) => url ?? [])
    return [...new Set(told.length > own.length ? told : own)]
  }

  /** `name`: by its own answer; `null`: it does not tell. */
  known(url: string, name: string | null): KnownMember {
    const found = this.#members.find((member) => (name === null ? member.url === url : member.name === name))
    return found ? {...found, url} : {name, url, address: null}
  }

  named(name: string): KnownMember {
    return this.#members.find((member) => member.name === name) ?? {name, url: null, address: null}
  }

  /** What the keys of the cluster say: the same, without a question to a member. */
  tell({members, config}: LeaderTree): void {
    const {learned} = this.#deps
    const now = this.#deps.clock.now()
    for (const lesson of ['timing', 'members'] as const) this.#due.set(lesson, now + pace[lesson].againMs)
    const told = members.map(({name, address, apiUrl}) => ({
      name,
      address,
      url: apiUrl === null ? null : urlOf(apiUrl),
    }))
    this.#members = withThoseBefore(told, this.#members)
    learned('members')
    if (this.#learn('timing', config)) learned('timing')
  }

  #isDue(lesson: Lesson): boolean {
    return this.#deps.clock.now() >= (this.#due.get(lesson) ?? Number.NEGATIVE_INFINITY)
  }

  #errand(lesson: Lesson, ask: (member: PatroniMember, signal: AbortSignal) => Promise<unknown>): Errand {
    const {clock, learned} = this.#deps
    const {againMs, retryMs} = pace[lesson]
    this.#due.set(lesson, clock.now() + retryMs)
    return async (member, signal) => {
      const data = await ask(member, signal).catch(() => null)
      if (signal.aborted || data === null || !this.#learn(lesson, data)) return
      this.#due.set(lesson, clock.now() + againMs)
      learned(lesson)
    }
  }

  /** `false`: that was no answer. */
  #learn(lesson: Lesson, data: unknown): boolean {
    if (lesson === 'timing') {
      const timing = timingOf(data)
      this.#timing = timing ?? this.#timing
      return timing !== null
    }
    if (lesson === 'failsafe') this.#failsafeMembers = Object.keys(data as object).length
    else this.#members = withThoseBefore((data as readonly ClusterMember[]).map(knownOf), this.#members)
    return true
  }
}

/**
 * A member that the DCS has not heard from for a ttl is no longer listed, though it may lead in
 * failsafe mode: it stays known, until another one has its place.
 */
function withThoseBefore(told: readonly KnownMember[], before: readonly KnownMember[]): readonly KnownMember[] {
  const isReplaced = ({name, url, address}: KnownMember) =>
    told.some(
      (one) =>
        one.name === name ||
        (url !== null && one.url === url) ||
        (address !== null && one.address?.host === address.host && one.address.port === address.port),
    )
  return [...told, ...before.filter((member) => !isReplaced(member))]
}

const askTiming = async (member: PatroniMember, signal: AbortSignal) =>
  (await member.config({timeoutMs: limitMs, signal})).data
const askFailsafe = async (member: PatroniMember, signal: AbortSignal) =>
  (await member.failsafe({timeoutMs: limitMs, signal})).data
const askMembers = async (member: PatroniMember, signal: AbortSignal) =>
  (await member.cluster({timeoutMs: limitMs, signal})).data?.members ?? null

/** The root of a REST API; Patroni's `api_url` ends in /patroni. `null`: no URL. */
const urlOf = (text: string): string | null => (URL.canParse(text) ? new URL(text).origin : null)

const knownOf = ({name, api_url, host, port}: ClusterMember): KnownMember => ({
  name,
  url: api_url === undefined ? null : urlOf(api_url),
  address: host === undefined ? null : {host, port: Number(port ?? 5432)},
})
