import {Admission} from '../core/admission.ts'
import {type HostRecord, lookedUp} from '../core/facts/host-record.ts'
import type {ActuatorReports, Orders, Poked, SnapshotSource, Who} from '../core/ports.ts'
import type {HostSettings, MonitorSettings} from '../core/settings.ts'
import type {ActuatorState, Change, Hold, Publication, Snapshot} from '../core/snapshot.ts'
import type {Memory} from '../core/verdict/group-memory.ts'
import {isAskingAgain} from '../core/verdict/verdict.ts'
import {isInSight} from '../core/verdict/verdict-kind.ts'
import {atMost} from '../core/wait.ts'
import {acceptOrder} from './acceptance.ts'
import {Board} from './board.ts'
import {DuplicateMarks} from './duplicates/marks.ts'
import {newEpoch} from './epoch.ts'
import {EvidenceDesk} from './evidence-desk.ts'
import {heartbeatLoop} from './heartbeat-loop.ts'
import {HostWatch} from './host-watch.ts'
import {maxAgeWarning} from './max-age-warning.ts'
import type {MonitorDeps} from './monitor-deps.ts'
import {NameLooks} from './name-looks.ts'
import {drainOrder, maintenanceOrder, type OrderOutcome, resumeOrder} from './orders.ts'
import {Pacing, stirredUnits} from './pacing.ts'
import {PingTimer} from './pings/timer.ts'
import {Pokes} from './pokes.ts'
import {heartbeatTask, isNudgeDue, type PolicyGroup} from './probe-policy.ts'
import {reloadedHosts} from './reloaded-hosts.ts'
import {saver} from './saver.ts'

/** Watches the hosts: a loop per host, every event judged at once, snapshots published. */
export interface Monitor extends SnapshotSource, Orders, ActuatorReports {
  /** Resolves once every host has an answer or a cause. */
  readonly ready: Promise<void>
  /** What it would save now. */
  readonly memory: Memory
  /** What another monitor of the same hosts remembers: takes the place of what this one does. */
  recall(memory: Memory): void
  /** Hosts whose settings did not change keep their connection. */
  reload(settings: MonitorSettings): Promise<void>
  /** Writers of a group wait from now on; `null`: they no longer do. */
  showHold(hold: Hold | null): void
}

/** Samples go out, and staleness is looked for, once a second. */
const tickMs = 1_000
const lastSaveMs = 2_000

/** Starts watching. Throws OperatorError when the memory of earlier runs cannot be used. */
export async function startMonitor(deps: MonitorDeps): Promise<Monitor> {
  const memory = await deps.store.load()
  const desk = new EvidenceDesk(deps.settings, deps.evidence)
  const own = {sourcesOf: (group: string) => desk.sourcesOf(group), epoch: deps.epoch ?? newEpoch(deps.random)}
  return new HostMonitor(deps, new Board({...deps, ...own, memory}), desk)
}

class HostMonitor implements Monitor {
  readonly ready: Promise<void>
  readonly #deps: MonitorDeps
  readonly #admission: Admission
  readonly #board: Board
  readonly #desk: EvidenceDesk
  readonly #watches = new Map<string, HostWatch>()
  readonly #heartbeats = new Map<string, AbortController>()
  readonly #looks = new NameLooks()
  readonly #pacing: Pacing
  readonly #pings: PingTimer
  readonly #pokes = new Pokes()
  readonly #saver: ReturnType<typeof saver>
  readonly #names: DuplicateMarks
  #settings: MonitorSettings
  #cancelTick: () => void = () => {}
  #reloading: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(deps: MonitorDeps, board: Board, desk: EvidenceDesk) {
    this.#deps = deps
    this.#admission = deps.admission ?? new Admission(deps.clock)
    this.#board = board
    this.#desk = desk
    this.#settings = deps.settings
    this.#pacing = new Pacing(board, deps.settings.probe, deps.fastHosts)
    this.#pings = deps.pings ?? new PingTimer(deps.clock)
    this.#saver = saver(deps, board.memory)
    this.#names = new DuplicateMarks(board, deps.clock, this.#watches)
    const {promise, resolve} = Promise.withResolvers<void>()
    this.ready = promise
    const stopWaiting = board.subscribe(({snapshot}) => {
      if (!snapshot.ready) return
      resolve()
      stopWaiting()
    })
    board.subscribe((publication) => this.#published(publication))
    desk.listen((group) => board.reassess(group))
    for (const host of deps.settings.hosts) this.#watch(host)
    this.#tick()
  }

  current(): Snapshot {
    return this.#board.current()
  }

  subscribe(listener: (publication: Publication) => void): () => void {
    return this.#board.subscribe(listener)
  }

  async accept(host: string, who: Who): Promise<string> {
    return this.#carryOut('accepted', acceptOrder(host, this.#board), {host, ...who})
  }

  async drain(host: string, who: Who): Promise<string> {
    return this.#carryOut('drained', drainOrder(host, who, this.#board, this.#deps.clock.wall()), {host, ...who})
  }

  async resume(host: string, who: Who): Promise<string> {
    return this.#carryOut('resumed', resumeOrder(host, this.#board), {host, ...who})
  }

  async maintain(request: {isOn: boolean; untilMs: number | null}, who: Who): Promise<string> {
    return this.#carryOut('maintenance', maintenanceOrder(request, who, this.#board, this.#deps.clock.wall()), who)
  }

  async poke(host: string): Promise<Poked> {
    return this.#pokes.poke(host, {board: this.#board, clock: this.#deps.clock, watch: this.#watches.get(host)})
  }

  reportActuator(name: string, state: ActuatorState | null): void {
    this.#board.reportActuator(name, state)
  }

  announce(changes: readonly Change[]): void {
    this.#board.announce(changes)
  }

  get memory(): Memory {
    return this.#board.memory
  }

  recall(memory: Memory): void {
    this.#board.remember(memory)
  }

  showHold(hold: Hold | null): void {
    this.#board.hold(hold)
  }

  /** The order is in force at once, and answered when it would survive a restart. */
  async #carryOut(order: string, {memory, done}: OrderOutcome, about: object): Promise<string> {
    this.#board.remember(memory)
    const isKept = await this.#saver.save(memory)
    this.#deps.log.warn(about, `${order}: ${done}`)
    if (this.#settings.stateDir === null) return `${done} (without state_dir, for as long as this process lives)`
    return isKept ? done : `${done} (state_dir cannot be written, as the log says: for as long as this process lives)`
  }

  /** One after the other: two at once would each start the hosts that the other one had stopped. */
  reload(settings: MonitorSettings): Promise<void> {
    const done = this.#reloading.then(() => this.#reload(settings))
    this.#reloading = done.catch(() => {})
    return done
  }

  async #reload(settings: MonitorSettings): Promise<void> {
    if (this.#isStopped) return
    const {removed, changed, restarted} = reloadedHosts(this.#settings, settings)
    this.#settings = settings
    this.#pacing.configure(settings.probe)
    const fresh = new Set([...removed, ...changed])
    const stopping = [...this.#watches].filter(([name]) => fresh.has(name) || restarted.includes(name))
    for (const [name] of stopping) this.#watches.delete(name)
    await Promise.all(stopping.map(([name, watch]) => this.#unwatch(name, watch)))
    if (this.#isStopped) return
    this.#desk.configure(settings)
    this.#board.configure(settings, fresh)
    for (const host of settings.hosts) if (!this.#watches.has(host.name)) this.#watch(host)
    // A name that is gone, or leads to another server now, marks no other name as its duplicate.
    for (const {settings, duplicateOf} of this.#board.records()) {
      if (duplicateOf !== null && (fresh.has(duplicateOf) || !this.#watches.has(duplicateOf)))
        this.#watches.get(settings.name)?.renew()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true
    this.#cancelTick()
    this.#pacing[Symbol.dispose]()
    this.#pokes.end()
    await Promise.all([...this.#watches].map(([name, watch]) => this.#unwatch(name, watch)))
    await this.#reloading
    const closed = this.#desk[Symbol.asyncDispose]()
    // Neither a frozen disk nor a source may keep the process from ending. The disk keeps what it
    // was given before.
    await atMost(this.#deps.clock, lastSaveMs, Promise.all([closed, this.#saver.save(this.#board.memory)]))
  }

  async #unwatch(name: string, watch: HostWatch): Promise<void> {
    this.#heartbeats.get(name)?.abort()
    this.#heartbeats.delete(name)
    this.#looks.remove(name)
    await watch.stop()
  }

  #watch(settings: HostSettings): void {
    const {name} = settings
    const [{clock, random, meter, log}, {probe, availability}] = [this.#deps, this.#settings]
    const driver = this.#deps.driver(settings)
    const update = (change: (record: HostRecord) => HostRecord) => {
      const before = this.#board.record(name)?.resolved ?? []
      this.#board.update(name, (record) => lookedUp(change(record), driver.resolved()))
      this.#pokes.updated(name, this.#board.record(name))
      if (before.length > 0 && driver.resolved() !== before) this.#looks.again(this.#besides(name))
    }
    this.#looks.add(name, {driver, clock, timeoutMs: probe.timeoutMs, found: () => update((record) => record)})
    const watch = new HostWatch({
      settings,
      probe,
      driver,
      admission: this.#admission,
      clock,
      random,
      meter,
      update,
      opened: (session, signal) => this.#names.opened(name, session, driver.limitMs(probe.timeoutMs, 2), signal),
      answered: maxAgeWarning(probe, (message) => log.warn({host: name}, `${name}: ${message}`)),
      intervalMs: () => this.#intervalMs(name),
      pingIntervalMs: probe.pingIntervalMs === 0 ? null : () => this.#pingIntervalMs(name),
      timer: this.#pings,
      isNudgeDue: (nudgedAt) => isNudgeDue(this.#groupsOf(name), this.#settings.followers, nudgedAt, clock.now()),
    })
    this.#watches.set(name, watch)
    watch.start()
    if (availability === null) return
    const heartbeat = new AbortController()
    this.#heartbeats.set(name, heartbeat)
    const task = () => heartbeatTask(this.#board.record(name), this.#groupsOf(name), probe.maxAgeMs, clock.now())
    void heartbeatLoop({availability, driver, clock, random, update, task}, heartbeat.signal)
  }

  /** The other hosts of its groups. */
  #besides(host: string): readonly string[] {
    const hosts = this.#board.unitsOf(host).flatMap((unit) => this.#board.hostsOf(unit))
    return [...new Set(hosts)].filter((other) => other !== host)
  }

  /** While logins wait for a place, the CPU of this process is theirs: no group is probed fast. */
  #intervalMs(host: string): number {
    const {probe} = this.#settings
    if (this.#admission.isCrowded) return probe.intervalMs
    return this.#pacing.planInterval(host, this.#deps.clock.now())
  }

  #pingIntervalMs(host: string): number {
    const load = {isCrowded: this.#admission.isCrowded, pinged: this.#pings.size}
    return this.#pacing.planPings(host, {now: this.#deps.clock.now(), ...load})
  }

  #groupsOf(host: string): readonly PolicyGroup[] {
    return this.#board.groupsOf(host).flatMap((group) => {
      const settings = this.#board.settings(group)
      return settings ? [{settings, verdict: this.#board.assessment(group)?.state.verdict}] : []
    })
  }

  /** Groups that something happened to are probed fast, beginning now. */
  #published({changes, snapshot}: Publication): void {
    const now = this.#deps.clock.now()
    for (const unit of stirredUnits(changes, this.#board)) {
      const verdict = unit.kind === 'group' ? snapshot.groups[unit.name]?.verdict : undefined
      this.#pacing.changed(unit, verdict === undefined || isInSight(verdict), now)
      for (const host of this.#board.hostsOf(unit)) this.#watches.get(host)?.hasten()
      if (verdict !== undefined && isAskingAgain(verdict))
        for (const host of verdict.primaries) this.#watches.get(host)?.askNow()
    }
    this.#saver.saveSoon(this.#board.memory)
  }

  #tick(): void {
    this.#cancelTick = this.#deps.clock.after(tickMs, () => {
      this.#board.sample()
      this.#saver.saveSoon(this.#board.memory)
      this.#tick()
    })
  }
}
