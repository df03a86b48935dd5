import type {Histogram} from 'prom-client'
import type {GroupSettings} from '../../core/settings.ts'

/**
 * How long probes take, by group: a histogram of each host would be most of what a scrape carries.
 * A host counts in each of its groups.
 */
export class ProbeTimes {
  readonly #histogram: Histogram<'group'>
  #groups: readonly string[] = []
  #groupsOf: ReadonlyMap<string, readonly string[]> = new Map()

  constructor(histogram: Histogram<'group'>) {
    this.#histogram = histogram
  }

  /** What was counted of a group that is gone is forgotten. */
  watches(groups: readonly Pick<GroupSettings, 'name' | 'hosts'>[]): void {
    const names = groups.map(({name}) => name)
    for (const group of this.#groups) if (!names.includes(group)) this.#histogram.remove({group})
    this.#groups = names
    const groupsOf = new Map<string, string[]>()
    for (const {name, hosts} of groups)
      for (const host of hosts) groupsOf.set(host, [...(groupsOf.get(host) ?? []), name])
    this.#groupsOf = groupsOf
  }

  observe(host: string, seconds: number): void {
    for (const group of this.#groupsOf.get(host) ?? []) this.#histogram.observe({group}, seconds)
  }
}
