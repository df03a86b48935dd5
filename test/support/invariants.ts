import {causeOf, type HostState, type Snapshot} from '../../src/core/snapshot.ts'
import {assertSnapshot} from '../../src/core/verdict/invariants.ts'
import {isUnreachable} from '../../src/core/verdict/verdict-kind.ts'
import {Oracle} from './oracle.ts'
import type {Answer, Told} from './simulated-driver.ts'
import {ourIdentifier} from './simulated-server.ts'
import type {Stage} from './stage.ts'

/**
 * Holds what the monitor says against what it was told and against the truth (src/core/SPEC.md). It
 * keeps books of its own: a rule that the judge forgets is not forgotten here. Throws at the first
 * breach.
 */
export class Invariants {
  readonly #stage: Stage
  #sequence = 0
  #epoch = ''
  /** By server: when each of the rivals of an open split brain was last published as one. */
  #rivals = new Map<string, number>()
  #isIdentityKnown = false
  #highestTimeline = 0
  #everHighest = 0
  #voidBefore = Number.NEGATIVE_INFINITY
  #seen = 0
  readonly #oracle = new Oracle()

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** The highest timeline that anybody ever told of. */
  get everHighest(): number {
    return this.#everHighest
  }

  /** Everything that was published since the last look, and what is current. */
  look(): void {
    const {publications} = this.#stage
    for (; this.#seen < publications.length; this.#seen += 1) {
      const snapshot = publications[this.#seen]?.snapshot
      if (snapshot) this.#growing(snapshot)
    }
  }

  /** What `current()` says now: held against now. */
  check(): void {
    const snapshot = this.#stage.monitor.current()
    this.look()
    const published = this.#stage.publications.at(-1)?.snapshot
    const last = published?.epoch === snapshot.epoch ? published.groups.all?.verdict : undefined
    const verdict = snapshot.groups.all?.verdict
    if (last && verdict)
      this.#demand(
        last.rule === verdict.rule && last.routedTo === verdict.routedTo,
        'current() and the last publication differ',
      )
    this.judge(snapshot)
  }

  /** The wall clock jumped: what was told before counts for nothing. */
  voided(): void {
    this.#voidBefore = this.#stage.clock.now()
  }

  /**
   * The operator speaks for `name`: rivals, timelines and commits up to now are overruled. Call the
   * result if the order was refused.
   */
  accepting(name: string): () => void {
    const {cluster} = this.#stage
    const undo = this.#oracle.accepted(cluster.server(name), this.#told(name).last, cluster.servers)
    const [rivals, highest] = [new Map(this.#rivals), this.#highestTimeline]
    this.#rivals.clear()
    this.#highestTimeline = 0
    return () => {
      this.#rivals = rivals
      this.#highestTimeline = highest
      undo()
    }
  }

  /** The monitor starts again; `remembering` nothing, where the memory could not be kept. */
  restarted(remembering: boolean): void {
    this.look()
    this.#oracle.restarted(remembering)
    if (remembering) return
    this.#rivals.clear()
    this.#highestTimeline = 0
    this.#isIdentityKnown = false
  }

  /** One snapshot, at the moment of its publication. */
  judge(snapshot: Snapshot): void {
    const group = snapshot.groups.all
    if (group === undefined) return
    const {cluster, clock} = this.#stage
    const {verdict} = group
    const now = clock.now()
    this.#learn(snapshot)
    // A restart that one of two names has not noticed yet cannot be told from two servers.
    const servers = new Set(
      verdict.primaries.map((name) => `${cluster.server(name).name} ${this.#told(name).last?.startedAt}`),
    )
    this.#demand(
      servers.size === verdict.primaries.length,
      `${verdict.primaries} are shown as primaries, and are one server`,
    )
    if (verdict.rule === 'V1') for (const name of verdict.primaries) this.#rivals.set(cluster.server(name).name, now)
    // A split brain with fewer than two rivals left is over: the next one is another.
    else if (this.#openRivals().length < 2) this.#rivals.clear()
    this.#demand(verdict.routedTo === null || verdict.rule === 'V4', `${verdict.rule} routes`)
    for (const [name, state] of Object.entries(snapshot.hosts)) {
      if (state.role === 'unavailable') continue
      const said = cluster.toldTo(name).last
      this.#demand(
        said !== null && said.facts.inRecovery === (state.role === 'standby'),
        `${name} is shown as ${state.role}, and did not say so last`,
      )
      this.#demand(
        said !== null && now - said.askedAt <= snapshot.maxAgeMs,
        `${name} is shown as ${state.role} on a stale answer`,
      )
      this.#demand(
        (said?.askedAt ?? 0) >= this.#voidBefore,
        `${name} is shown as ${state.role} on an answer from before the clock jumped`,
      )
    }
    if (verdict.routedTo !== null) this.#routed(verdict.routedTo, snapshot)
  }

  #routed(routed: string, snapshot: Snapshot): void {
    const {cluster, settings} = this.#stage
    const host = snapshot.hosts[routed]
    const told = cluster.toldTo(routed)
    const verdict = snapshot.groups.all?.verdict
    this.#demand(host?.drained === null, `routed to ${routed}, which is drained`)
    if (verdict && isUnreachable(verdict)) this.#sustained(routed)
    else {
      this.#demand(host?.role === 'primary', `routed to ${routed}, which is ${host?.role}`)
      this.#demand(!told.isShut, `routed to ${routed}, whose door is shut`)
    }

    const rivals = this.#primariesInSight(snapshot).filter((name) => cluster.server(name) !== cluster.server(routed))
    this.#demand(rivals.length === 0, `routed to ${routed}, and ${rivals} answer as primary`)
    this.#demand((told.last?.facts.timeline ?? 0) >= this.#highestTimeline, `routed to ${routed} on an old timeline`)
    const said = told.last
    const isFresh = (answer: Answer) => cluster.names.some((name) => this.#told(name).answer === answer)
    const ahead = said && this.#oracle.against(cluster.server(routed), said, isFresh)
    this.#demand(ahead === null, `routed to ${routed}, and ${ahead}`)

    const open = this.#openRivals()
    this.#demand(open.length < 2, `routed to ${routed}, and the split brain of ${open} has not ended`)
    this.#rivals.clear()

    const names = cluster.names
    const confirm = settings.groups[0]?.confirm ?? []
    if (confirm.includes('majority')) {
      const up = names.filter((name) => snapshot.hosts[name]?.role !== 'unavailable')
      this.#demand(up.length * 2 > names.length, `routed to ${routed} without a majority`)
    }
    if (confirm.includes('followers')) {
      const following = names.filter((name) => {
        const said = this.#told(name).last
        return said?.facts.receiver?.status === 'streaming' && said.facts.timeline === told.last?.facts.timeline
      })
      this.#demand((following.length + 1) * 2 > names.length, `routed to ${routed}, and only ${following} follow`)
    }
  }

  /** Out of reach, and nothing but that: two seconds ago it was a primary. */
  #sustained(routed: string): void {
    const {cluster, clock} = this.#stage
    const server = cluster.server(routed)
    server.settle()
    const goneMs = clock.now() - server.ledAt
    this.#demand(goneMs <= 2_000, `${routed} is sustained, and has been no primary for ${goneMs} ms`)
    this.#demand(!this.#told(routed).isStopping, `${routed} is sustained, and said that it stops`)
  }

  #openRivals(): readonly string[] {
    const {cluster} = this.#stage
    const excusedAt = (server: string) => {
      const names = cluster.names.filter((name) => cluster.server(name).name === server)
      return Math.max(...names.map((name) => this.#told(name).excusedAt))
    }
    return [...this.#rivals].filter(([server, seenAt]) => excusedAt(server) < seenAt).map(([server]) => server)
  }

  /**
   * Those whose answer is fresh, whose session lives, which commit, and whose door was not found
   * shut. A second name of a server counts for nothing.
   */
  #primariesInSight({maxAgeMs, hosts}: Snapshot): readonly string[] {
    const since = Math.max(this.#voidBefore, this.#stage.clock.now() - maxAgeMs)
    return this.#stage.cluster.names.filter((name) => {
      const {answer, isShut, isStuck} = this.#told(name)
      if (isStuck) return false
      return (
        answer !== null &&
        !answer.facts.inRecovery &&
        answer.askedAt >= since &&
        !isShut &&
        this.#isOurs(answer.systemIdentifier) &&
        !isDuplicate(hosts[name])
      )
    })
  }

  #learn(snapshot: Snapshot): void {
    const {cluster, clock} = this.#stage
    const names = cluster.names.filter((name) => !isDuplicate(snapshot.hosts[name]))
    const answers = names.map((name) => this.#told(name))
    const ours = answers.filter(({answer}) => answer !== null && this.#isOurs(answer.systemIdentifier))
    for (const {last} of answers) this.#everHighest = Math.max(this.#everHighest, last?.facts.timeline ?? 0)
    this.#isIdentityKnown ||= ours.length * 2 > cluster.names.length
    if (!this.#isIdentityKnown) return
    const since = Math.max(this.#voidBefore, clock.now() - snapshot.maxAgeMs)
    for (const {answer, isShut} of ours) {
      if (answer && answer.askedAt >= since && !isShut)
        this.#highestTimeline = Math.max(this.#highestTimeline, answer.facts.timeline ?? 0)
    }
    this.#oracle.learn(
      names.flatMap((name) => {
        const {answer, isShut} = this.#told(name)
        // What was asked before the monitor noticed that its clock jumped, it throws away.
        const isShown = snapshot.hosts[name]?.role !== 'unavailable'
        const isHeard = answer !== null && answer.askedAt >= since && !isShut && isShown
        return isHeard && this.#isOurs(answer.systemIdentifier) ? [{server: cluster.server(name), answer}] : []
      }),
    )
  }

  #growing(snapshot: Snapshot): void {
    assertSnapshot(snapshot)
    const {epoch, sequence} = snapshot
    if (epoch !== this.#epoch) this.#sequence = 0
    this.#demand(sequence > this.#sequence, `sequence ${sequence} after ${this.#sequence}`)
    this.#epoch = epoch
    this.#sequence = sequence
  }

  #isOurs = (systemIdentifier: string): boolean => systemIdentifier === ourIdentifier

  #told(name: string): Told {
    return this.#stage.cluster.toldTo(name)
  }

  #demand(holds: boolean, breach: string): void {
    if (!holds) throw new Error(breach)
  }
}

const isDuplicate = (host: HostState | undefined) => host !== undefined && causeOf(host) === 'duplicate'
