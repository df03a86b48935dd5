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
export class Pacing {
  readonly #hosts: PacedHosts
  readonly #states = new WeakMap<Unit, PaceState>()
  #counted = {at: Number.NEGATIVE_INFINITY, hosts: 0}

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
    return Math.min(probe.intervalMs, Math.max(this.#countFast(now, probe) * probeCostMs, Math.min(...wanted)))
  }

  /**
   * The time between two questions to a host that is pinged. `isCrowded`: logins wait for the CPU of
   * this process; `pinged`: how many hosts are pinged.
   */
  planPings(
    host: string,
    {now, isCrowded, pinged}: Readonly<{now: number; isCrowded: boolean; pinged: number}>,
    probe: ProbeSettings,
  ): number {
    const isFast = !isCrowded && this.#hosts.unitsOf(host).some((unit) => this.#plan(unit, now, probe).isFast)
    return isFast
      ? Math.max(probe.fastPingIntervalMs, this.#countFast(now, probe) * pingCostMs)
      : Math.max(probe.pingIntervalMs, pinged * pingCostMs)
  }

  /**
   * How many hosts are at the fast pace: so many that they would take all of this process's time are
   * asked less often, because late answers would look like silent hosts.
   */
  #countFast(now: number, probe: ProbeSettings): number {
    if (now - this.#counted.at >= countMs) {
      const fast = this.#hosts.units.filter((unit) => this.#states.has(unit) && this.#plan(unit, now, probe).isFast)
      this.#counted = {at: now, hosts: fast.reduce((sum, unit) => sum + this.#hosts.hostsOf(unit).length, 0)}
    }
    return this.#counted.hosts
  }

  #plan(unit: Unit, now: number, probe: ProbeSettings): PacePlan {
    const plan = planPace(this.#states.get(unit) ?? newPace, now, probe)
    this.#states.set(unit, plan.state)
    return plan
  }
}
