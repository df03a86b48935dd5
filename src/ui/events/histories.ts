import {lsnDifference} from '../../core/facts/lsn.ts'
import type {HostState, Snapshot} from '../../core/snapshot.ts'

const kept = 40

/** The last values of one host, oldest first. `null`: no answer, or the host cannot tell. */
export type History = Readonly<{
  /** Milliseconds. */
  probes: readonly (number | null)[]
  /** Bytes; of a standby. */
  lags: readonly (number | null)[]
  /** Bytes a second: written by a primary, replayed by a standby. */
  walRates: readonly (number | null)[]
}>

export const noHistory: History = {probes: [], lags: [], walRates: []}

/** Remembers numbers from one look at the hosts to the next: one entry for each answer of a host. */
export class Histories {
  readonly #histories = new Map<string, History>()
  readonly #before = new Map<string, HostState>()

  /** What is known now; later answers do not change it. */
  get all(): ReadonlyMap<string, History> {
    return new Map(this.#histories)
  }

  record({hosts}: Snapshot): void {
    for (const host of Object.values(hosts)) {
      const before = this.#before.get(host.host)
      if (host.askedAt === null || before?.askedAt === host.askedAt) continue
      this.#before.set(host.host, host)
      const {probes, lags, walRates} = this.#histories.get(host.host) ?? noHistory
      this.#histories.set(host.host, {
        probes: appended(probes, host.probeMs),
        lags: appended(lags, host.role === 'standby' ? host.lagBytes : null),
        walRates: appended(walRates, before === undefined ? null : rateBetween(before, host)),
      })
    }
  }
}

const appended = (values: readonly (number | null)[], value: number | null) => [...values, value].slice(-kept)

/** `null` also where the position went back: another server, or a rebuilt one. */
function rateBetween(before: HostState, now: HostState): number | null {
  if (before.role === 'unavailable' || now.role === 'unavailable') return null
  const bytes = lsnDifference(now.lsn, before.lsn)
  const ms = (now.askedAt ?? 0) - (before.askedAt ?? 0)
  return bytes === null || bytes < 0 || ms <= 0 ? null : (bytes * 1000) / ms
}
