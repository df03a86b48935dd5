import type {ProbeSettings} from '../core/settings.ts'
import type {Unit} from './membership.ts'
import {newPace, type PacePlan, type PaceState, paceChanged, planPace} from './pace.ts'

/** Some five times what a probe costs this process: a thousand probes a second at most. */
const probeCostMs = 1
/** The number of fast hosts is counted at most this often. */
const countMs = 100

export type PacedHosts = Readonly<{
  units: readonly Unit[]
  unitsOf(host: string): readonly Unit[]
  hostsOf(unit: Unit): readonly string[]
}>

/** The paces of all groups and ungrouped hosts, and the interval of a host that follows from them. */
export class Pacing {
  readonly #hosts: PacedHosts
  readonly #states = new WeakMap<Unit, PaceState>()
  #counted = {at: Number.NEGATIVE_INFINITY, leastMs: 0}

  constructor(hosts: PacedHosts) {
    this.#hosts = hosts
  }

  /** Something of this unit changed. */
  changed(unit: Unit, isSettled: boolean, now: number): void {
    this.#states.set(unit, paceChanged(this.#states.get(unit) ?? newPace, isSettled, now))
  }

  /** Plans the next probe of `host`: the fastest of its units counts. */
  planInterval(host: string, now: number, probe: ProbeSettings): number {
    const wanted = this.#hosts.unitsOf(host).map((unit) => this.#plan(unit, now, probe).intervalMs)
    return Math.min(probe.intervalMs, Math.max(this.#leastMs(now, probe), Math.min(...wanted)))
  }

  /**
   * So many hosts at the fast pace that they would take all of this process's time are asked less
   * often: late answers would look like silent hosts.
   */
  #leastMs(now: number, probe: ProbeSettings): number {
    if (now - this.#counted.at >= countMs) {
      const fast = this.#hosts.units.filter((unit) => this.#states.has(unit) && this.#plan(unit, now, probe).isFast)
      const hosts = fast.reduce((sum, unit) => sum + this.#hosts.hostsOf(unit).length, 0)
      this.#counted = {at: now, leastMs: hosts * probeCostMs}
    }
    return this.#counted.leastMs
  }

  #plan(unit: Unit, now: number, probe: ProbeSettings): PacePlan {
    const plan = planPace(this.#states.get(unit) ?? newPace, now, probe)
    this.#states.set(unit, plan.state)
    return plan
  }
}
