import type {Snapshot} from '../../../src/core/snapshot.ts'
import type {Memory} from '../../../src/core/verdict/group-memory.ts'
import {highestOf} from '../../../src/core/verdict/timelines.ts'
import type {Node, SharedStage} from './stage.ts'

/** An answer may be as old as this; beside it the time that a beat and a judgement take. */
const maxAgeMs = 3_000
const slackMs = 1_500
/** A primary that is out of sight stays routed while its standbys prove it, two seconds after at most. */
const sustainMs = 2_000

/** What the registry has told since when, in force for every instance that it reaches. */
type Known = Readonly<{what: string; since: number}>

/**
 * Holds what each instance answers against the truth about the servers, and against what the owners have
 * put into the registry: an answer may be old, and never older than it may be. Throws at the first breach.
 */
export class SharedInvariants {
  readonly #stage: SharedStage
  /** By group: since when two servers have been primaries beside each other. */
  readonly #two = new Map<string, number>()
  /** By group and fact. */
  readonly #known = new Map<string, Map<string, Known>>()
  /** By instance: when it was last without registry or without streams. */
  readonly #isolatedAt = new Map<string, number>()
  /** By group: the highest timeline that was ever in the registry, unless an operator overruled it. */
  readonly #highest = new Map<string, number>()
  /** By group: an operator's order may change what is known until then. */
  readonly #orderedUntil = new Map<string, number>()
  /** By group: when the end of a split brain was last known to an instance that tells of it. */
  readonly #endedAt = new Map<string, number>()
  /** By group: the revisions of its record since the registry was last restored, each with when it was seen. */
  readonly #revisions = new Map<string, Readonly<{revision: bigint; at: number}>[]>()
  readonly #drained = new Map<string, number>()
  checks = 0

  constructor(stage: SharedStage) {
    this.#stage = stage
  }

  /** Called often: what must hold of every answer that an instance gives now. */
  check(): void {
    const {stage} = this
    this.checks += 1
    // To answer may end what has gone stale: what the owner knows is read after that.
    const answers = new Map(stage.running.map((node) => [node, node.set.current()]))
    for (const group of stage.groups) {
      this.#learn(group)
      for (const [node, snapshot] of answers) this.#noteEnd(group, node, snapshot)
    }
    for (const [node, {groups, hosts}] of answers) {
      if (!node.door.isReachable || stage.ids.some((other) => stage.isCut(other, node.id)))
        this.#isolatedAt.set(node.id, stage.clock.now())
      for (const group of stage.groups) {
        const routed = groups[group]?.verdict.routedTo ?? null
        if (routed === null) continue
        if (hosts[routed]?.drained)
          throw new Error(`${node.id} routes ${group} to ${routed}, which it shows as drained`)
        this.#routed(node, group, routed)
      }
    }
  }

  /** An order to accept is on its way. */
  accepting(group: string): void {
    this.#highest.delete(group)
    this.#orderedUntil.set(group, this.stage.clock.now() + 15_000)
  }

  /** An instance has answered that it is done. */
  ordered(verb: 'drain' | 'resume', host: string): void {
    if (verb === 'drain') this.#drained.set(host, this.stage.clock.now())
    else this.#drained.delete(host)
  }

  /** To resume may come true whatever becomes of the answer. */
  resuming(host: string): void {
    this.#drained.delete(host)
  }

  private get stage(): SharedStage {
    return this.#stage
  }

  #learn(group: string): void {
    const {clock, registry} = this.stage
    const now = clock.now()
    const {servers} = this.stage.cluster(group)
    for (const server of servers) server.settle()
    const primaries = servers.filter(({isPrimary, isFrozen, isReachable, door}) => {
      return isPrimary && !isFrozen && isReachable && door === 'open'
    })
    if (primaries.length < 2) this.#two.delete(group)
    else if (!this.#two.has(group)) this.#two.set(group, now)
    const record = registry.record(group)
    this.#noteRevision(group, registry.image.groups.get(group)?.revision ?? 0n)
    const owner = this.stage.nodes.get(record?.owner.id ?? '')
    // What the owner has ended, it may say before the registry has it.
    const own = owner?.set.member.isAnswering(group) ? owner.set.member.engines.engine(group)?.memory : undefined
    const ended = own && factsOf(own, group)
    const facts = [...(record ? factsOf(record.memory, group) : [])].filter((fact) => ended?.has(fact) ?? true)
    this.#demandKept(group, record?.memory)
    const before = this.#known.get(group) ?? new Map<string, Known>()
    this.#known.set(group, new Map(facts.map((what) => [what, before.get(what) ?? {what, since: now}])))
  }

  #noteRevision(group: string, revision: bigint): void {
    const known = this.#revisions.get(group) ?? []
    const last = known.at(-1)?.revision ?? 0n
    if (revision === last) return
    const at = this.stage.clock.now()
    this.#revisions.set(group, revision < last ? [{revision, at}] : [...known.slice(-99), {revision, at}])
  }

  /** Called with each publication of an instance. */
  published(node: Node, snapshot: Snapshot): void {
    for (const group of this.stage.groups) this.#noteEnd(group, node, snapshot)
  }

  /** An instance that tells of the group knew of the split brain, and saw it end: its answer may be shown. */
  #noteEnd(group: string, {id, set}: Node, {groups}: Snapshot): void {
    if (groups[group]?.owner?.instance !== id) return
    const {engines} = set.member
    const memory = engines.engine(group)?.memory.groups[group]
    if (memory === undefined || memory.rivals.length > 1) return
    // As far as the registry has told it: a record that was written just now is on its way for moments only.
    const seen = set.member.record(group)
    if (seen === undefined || seen.value === 'unreadable' || !engines.hasHeard(group, seen)) return
    const next = this.#revisions.get(group)?.find(({revision}) => revision > seen.revision)
    if (next !== undefined && this.stage.clock.now() - next.at > slackMs) return
    if (factsOf(seen.value.memory, group).has('rivals')) this.#endedAt.set(group, this.stage.clock.now())
  }

  /** What owners and operators have put into the registry, no later owner may lose. */
  #demandKept(group: string, memory: Memory | undefined): void {
    const own = memory?.groups[group]
    const highest = own ? highestOf(own) : 0
    const ever = this.#highest.get(group) ?? 0
    if (this.stage.clock.now() > (this.#orderedUntil.get(group) ?? 0)) {
      if (highest < ever) throw new Error(`the registry forgot timeline ${ever} of ${group}`)
      this.#highest.set(group, highest)
    }
    for (const host of this.#drained.keys())
      if (this.stage.cluster(group).names.includes(host) && memory?.drains[host] === undefined)
        throw new Error(`the registry forgot that ${host} is drained`)
  }

  #routed(node: Node, group: string, routed: string): void {
    const {stage} = this
    const now = stage.clock.now()
    const server = stage.cluster(group).server(routed)
    const say = (why: string) => {
      const {verdict, owner} = node.set.current().groups[group] ?? {}
      const by = owner ? `${owner.instance} in epoch ${owner.epoch}` : 'none'
      throw new Error(`${node.id} routes ${group} to ${routed} (by ${by}: ${verdict?.why}), and ${why}`)
    }
    const goneMs = now - server.ledAt
    if (goneMs > maxAgeMs + sustainMs + slackMs) say(`it has been no primary for ${goneMs} ms`)
    const two = this.#two.get(group)
    if (two !== undefined && now - two > maxAgeMs + slackMs) say(`there have been two for ${now - two} ms`)
    // Cut off from the registry and from the owner, an instance cannot know what was decided there.
    const isolatedAt = this.#isolatedAt.get(node.id) ?? Number.NEGATIVE_INFINITY
    if (now - isolatedAt < maxAgeMs + slackMs) return
    for (const {what, since} of this.#known.get(group)?.values() ?? []) {
      const forMs = now - since
      if (forMs <= maxAgeMs + slackMs) continue
      if (what === 'rivals' && now - (this.#endedAt.get(group) ?? 0) > maxAgeMs + slackMs)
        say(`the split brain is in the registry for ${forMs} ms`)
      if (what === `drained ${routed}`) say(`the drain is in the registry for ${forMs} ms`)
      const timeline = /^timeline (\d+)$/.exec(what)?.[1]
      if (timeline !== undefined && server.timeline < Number(timeline))
        say(`its timeline ${server.timeline} is below ${timeline}, in the registry for ${forMs} ms`)
    }
  }
}

function factsOf({groups, drains}: Memory, group: string): ReadonlySet<string> {
  const own = groups[group]
  const facts = new Set(Object.keys(drains).map((host) => `drained ${host}`))
  if (own) facts.add(`timeline ${highestOf(own)}`)
  if (own && own.rivals.length > 1) facts.add('rivals')
  return facts
}
