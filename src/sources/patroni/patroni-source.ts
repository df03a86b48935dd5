import type {EvidenceSource, SourceAnswer} from '../../core/evidence/evidence-source.ts'
import type {GroupView, Member} from '../../core/facts/group-view.ts'
import {factsOf} from '../../core/facts/host-record.ts'
import type {Clock, Log, Random} from '../../core/ports.ts'
import type {GroupSettings, PatroniSettings, ProbeSettings} from '../../core/settings.ts'
import {Members} from './client.ts'
import {Errands} from './errands.ts'
import {KeyWatch} from './key-watch.ts'
import {openTree} from './leader-tree.ts'
import {MemberWatch} from './member-watch.ts'
import {hostOfMember, type KnownMember} from './membership.ts'
import {assessPatroni, assessUnled, lockHolders, type MemberWord, type PatroniCase} from './rules.ts'
import {defaultTiming, leastTtlMs, longestHoldMs, tooLongHold, wrongDelay} from './timing.ts'

export type PatroniSourceDeps = Readonly<{
  group: Pick<GroupSettings, 'name' | 'onSilent' | 'failoverAfterMs'>
  settings: PatroniSettings
  probe: ProbeSettings
  clock: Clock
  random: Random
  log: Log
}>

/**
 * Source `patroni` of one group: asks every member for the leader lock, and answers by the rules of
 * rules.ts. It begins when it is made.
 */
export class PatroniSource implements EvidenceSource {
  readonly name = 'patroni'
  readonly #deps: PatroniSourceDeps
  readonly #clients: Members
  readonly #errands: Errands
  readonly #watches = new Map<string, MemberWatch>()
  readonly #ending = new Set<Promise<void>>()
  readonly #keys: KeyWatch | null
  #changed: ((group: string) => void) | null = null
  /** Monotonic: since when two members hold the lock; `null`: they do not. */
  #disputedSince: number | null = null
  #isDisputeTold = false
  readonly #told = new Set<string>()
  /** On which timeline each host was last asked about. */
  readonly #primaries = new Map<string, number | null>()
  #isEnded = false

  constructor(deps: PatroniSourceDeps) {
    this.#deps = deps
    this.#clients = new Members(deps.settings, deps.clock)
    this.#errands = new Errands({
      clock: deps.clock,
      learned: (what) => {
        if (what === 'members') this.#watch()
        if (what === 'timing') this.#tellOfTiming()
        this.#changed?.(deps.group.name)
      },
    })
    this.#keys = this.#watchKeys()
    this.#watch()
  }

  assess(leader: Member, view: GroupView): SourceAnswer {
    this.#hastenFor(leader)
    const given = this.#caseOf(view, factsOf(leader.record)?.session.systemIdentifier ?? null)
    this.#watchDispute(given)
    const disputedForMs = this.#disputedSince === null ? 0 : view.now - this.#disputedSince
    return {...assessPatroni(leader, {...given, disputedForMs}), ...this.#limits()}
  }

  assessUnled(view: GroupView): SourceAnswer | null {
    const answer = assessUnled(this.#caseOf(view, null))
    return answer && {...answer, ...this.#limits()}
  }

  subscribe(changed: (group: string) => void): () => void {
    this.#changed = changed
    return () => {
      this.#changed = null
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true
    for (const watch of this.#watches.values()) this.#end(watch)
    if (this.#keys) this.#end(this.#keys)
    await Promise.all(this.#ending)
  }

  /** A primary that is new: what the members answered before is old, and the next round may be far. */
  #hastenFor({host, timeline}: Member): void {
    if (this.#primaries.get(host) === timeline) return
    this.#primaries.set(host, timeline)
    for (const watch of this.#watches.values()) watch.hasten()
  }

  /** A watch for each member that is known now, and for no other. */
  #watch(): void {
    const {settings} = this.#deps
    if (this.#isEnded || settings.via === 'etcd') return
    const urls = this.#errands.urlsBeside(settings.urls)
    for (const [url, watch] of this.#watches) {
      if (urls.includes(url)) continue
      this.#watches.delete(url)
      this.#end(watch)
    }
    for (const url of urls) if (!this.#watches.has(url)) this.#watches.set(url, this.#watchOf(url))
  }

  #watchOf(url: string): MemberWatch {
    const {clock, probe, group} = this.#deps
    return new MemberWatch({
      member: () => this.#clients.at(url),
      clock,
      intervalMs: probe.intervalMs,
      heard: () => this.#changed?.(group.name),
      untrusted: () => this.#clients.renew(),
      errand: (answer) => this.#errands.next(answer),
    })
  }

  #watchKeys(): KeyWatch | null {
    const {settings, probe, clock, random, group} = this.#deps
    const {etcd, via} = settings
    if (etcd === null || via === 'rest') return null
    return new KeyWatch({
      open: () => openTree(settings, etcd, {clock, random}),
      clock,
      intervalMs: probe.intervalMs,
      maxAgeMs: probe.maxAgeMs,
      heard: (tree) => {
        this.#errands.tell(tree)
        this.#changed?.(group.name)
      },
      // The members know at this moment, too.
      changed: () => {
        for (const watch of this.#watches.values()) watch.hasten()
      },
    })
  }

  #end(watch: AsyncDisposable): void {
    const ending = Promise.resolve(watch[Symbol.asyncDispose]()).finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }

  #caseOf(view: GroupView, ofLeader: string | null): PatroniCase {
    const {settings, probe} = this.#deps
    const {identity, now, members: hosts} = view
    const records = hosts.map(({record}) => record)
    const hostOf = (member: KnownMember) => hostOfMember(member, records, settings.members)
    const members = [...this.#watches].map(([url, {answer, name}]): MemberWord => {
      const known = this.#errands.known(url, name)
      return {member: known.name ?? new URL(url).host, name: known.name, host: hostOf(known), answer}
    })
    // Asked for the whole list only where it is needed: GET /cluster makes the member read the DCS,
    // and a member that is stuck would look fresh.
    this.#errands.needsMembers =
      [...this.#watches.values()].every(({wasHeard}) => wasHeard) &&
      hosts.some(({host}) => !members.some((member) => member.host === host))
    return {
      scope: settings.scope,
      systemIdentifier: identity.kind === 'known' ? identity.systemIdentifier : ofLeader,
      ttlMs: this.#errands.timing?.ttlMs ?? leastTtlMs,
      loopWaitMs: (this.#errands.timing ?? defaultTiming).loopWaitMs,
      now,
      maxAgeMs: probe.maxAgeMs,
      via: settings.via,
      members,
      key: this.#keys?.key ?? null,
      hostOf: (name) => hostOf(this.#errands.named(name)),
      failsafeMembers: this.#errands.failsafeMembers,
      disputedForMs: 0,
    }
  }

  /** H8 and H9: what the cluster's own pace allows. */
  #limits(): Pick<SourceAnswer, 'holdAtMostMs' | 'promotionMs'> {
    const {timing} = this.#errands
    const holdAtMostMs = timing === null ? 0 : longestHoldMs(timing, this.#deps.probe.maxAgeMs)
    return {holdAtMostMs, promotionMs: (timing ?? defaultTiming).loopWaitMs}
  }

  /** During a hold that is too long, clients could write to two primaries: it ends before. */
  #tellOfTiming(): void {
    const {group, probe, log} = this.#deps
    const {timing} = this.#errands
    if (timing === null) return
    const holdMs = typeof group.onSilent === 'string' ? 0 : group.onSilent.holdMs
    const isTooLong = holdMs > longestHoldMs(timing, probe.maxAgeMs)
    const hold = isTooLong ? `on_silent ${tooLongHold(holdMs, timing, probe.maxAgeMs)}; it is held no longer` : null
    for (const problem of [hold, wrongDelay(group.failoverAfterMs, timing)]) {
      if (problem === null || this.#told.has(problem)) continue
      this.#told.add(problem)
      log.warn({group: group.name}, `${group.name}: ${problem}`)
    }
  }

  #watchDispute(given: PatroniCase): void {
    const {log, group} = this.#deps
    const holders = lockHolders(given)
    if (holders.length < 2) {
      this.#disputedSince = null
      this.#isDisputeTold = false
      return
    }
    this.#disputedSince ??= given.now
    if (this.#isDisputeTold || given.now - this.#disputedSince <= 1_000) return
    this.#isDisputeTold = true
    log.error({group: group.name, members: holders}, `${group.name}: two members of Patroni hold the leader lock`)
  }
}
