import type {ProbeSettings} from '../core/settings.ts'
import type {Change} from '../core/snapshot.ts'
import type {Unit} from './membership.ts'
import {newPace, type PacePlan, type PaceState, paceChanged, planPace} from './pace.ts'

/** Some five times what a probe costs this process: a thousand probes a second at most. */
const probeCostMs = 1
/** Some five times what a ping costs: five thousand pings a second at most. */
const pingCostMs = 0.2
/** The number of fast hosts is counted at most this often. */
const countMs = 100

/**
 * How many hosts of this process are at the fast pace, by all of its monitors: so many that they would take
 * all of its time are asked less often, because late answers would look like silent hosts.
 */
export class FastHosts {
  readonly #counts = new Set<(now: number) => number>()
  #counted = {at: Number.NEGATIVE_INFINITY, hosts: 0}

  /** Counts these hosts too, until the function that it returns is called. */
  add(count: (now: number) => number): () => void {
    this.#counts.add(count)
    return () => this.#counts.delete(count)
  }

  count(now: number): number {
    if (now - this.#counted.at < countMs) return this.#counted.hosts
    let hosts = 0
    for (const count of this.#counts) hosts += count(now)
    this.#counted = {at: now, hosts}
    return hosts
  }
}

export type PacedHosts = Readonly<{
  units: readonly Unit[]
  unitsOf(host: string): readonly Unit[]
  hostsOf(unit: Unit): readonly string[]
}>

/** What these changes happened to: each once. */
export const stirredUnits = (
  changes: readonly Change[],
  hosts: Readonly<{unitsOf(host: string): readonly Unit[]; unitOf(group: string): Unit | undefined}>,
): ReadonlySet<Unit> =>
  new Set(
    changes.flatMap(({kind, group, host}) => {
      if (kind === 'role' && host !== null) return hosts.unitsOf(host)
      return group === null ? [] : (hosts.unitOf(group) ?? [])
    }),
  )

/** The paces of all groups and ungrouped hosts, and the interval of a host that follows from them. */
export class Pacing implements Disposable {
  readonly #hosts: PacedHosts
  readonly #states = new WeakMap<Unit, PaceState>()
  readonly #fastHosts: FastHosts
  readonly #stopCounting: () => void
  #probe: ProbeSettings

  constructor(hosts: PacedHosts, probe: ProbeSettings, fastHosts = new FastHosts()) {
    this.#hosts = hosts
    this.#probe = probe
    this.#fastHosts = fastHosts
    this.#stopCounting = fastHosts.add((now) => this.#countFast(now))
  }

  [Symbol.dispose](): void {
    this.#stopCounting()
  }

  configure(probe: ProbeSettings): void {
    this.#probe = probe
  }

  /** Something of this unit changed. */
  changed(unit: Unit, isSettled: boolean, now: number): void {
    this.#states.set(unit, paceChanged(this.#states.get(unit) ?? newPace, isSettled, now))
  }

  /** Plans the next probe of `host`: the fastest of its units counts. */
  planInterval(host: string, now: number): number {
    const wanted = this.#hosts.unitsOf(host).map((unit) => this.#plan(unit, now).intervalMs)
    return Math.min(this.#probe.intervalMs, Math.max(this.#fastHosts.count(now) * probeCostMs, Math.min(...wanted)))
  }

  /**
   * The time between two questions to a host that is pinged. `isCrowded`: logins wait for the CPU of
   * this process; `pinged`: how many hosts are pinged.
   */
  planPings(
    host: string,
    {now, isCrowded, pinged}: Readonly<{now: number; isCrowded: boolean; pinged: number}>,
  ): number {
    const {fastPingIntervalMs, pingIntervalMs} = this.#probe
    const isFast = !isCrowded && this.#hosts.unitsOf(host).some((unit) => this.#plan(unit, now).isFast)
    return isFast
      ? Math.max(fastPingIntervalMs, this.#fastHosts.count(now) * pingCostMs)
      : Math.max(pingIntervalMs, pinged * pingCostMs)
  }

  #countFast(now: number): number {
    const fast = this.#hosts.units.filter((unit) => this.#states.has(unit) && this.#plan(unit, now).isFast)
    return fast.reduce((sum, unit) => sum + this.#hosts.hostsOf(unit).length, 0)
  }

  #plan(unit: Unit, now: number): PacePlan {
    const plan = planPace(this.#states.get(unit) ?? newPace, now, this.#probe)
    this.#states.set(unit, plan.state)
    return plan
  }
}
