import {Counter, type Registry} from 'prom-client'
import type {Snapshot, Verdict} from '../../core/snapshot.ts'

const kinds = ['writable', 'split-brain', 'no-primary'] as const
type Kind = (typeof kinds)[number]
type Watched = Readonly<{is: readonly Kind[]; since: number}>

/** Seconds that each group spent with a host to write to, with two primaries, and with none. */
export class GroupTime {
  readonly #counters: Readonly<Record<Kind, Counter>>
  readonly #watched = new Map<string, Watched>()

  constructor(registers: Registry[]) {
    const counter = (name: string, help: string) =>
      new Counter({name: `pgroute66_${name}_seconds_total`, help, labelNames: ['group'], registers})
    this.#counters = {
      writable: counter('writable', 'Seconds during which the group had a host that may be written to.'),
      'split-brain': counter('split_brain', 'Seconds during which more than one host of the group was primary.'),
      'no-primary': counter('no_primary', 'Seconds during which no host of the group was primary.'),
    }
  }

  /** As of `now` (monotonic milliseconds): what was the case until now is counted. */
  seen({groups}: Snapshot, now: number): void {
    for (const [group, {is, since}] of this.#watched)
      for (const kind of is) this.#counters[kind].inc({group}, Math.max(0, now - since) / 1_000)
    this.#watched.clear()
    for (const {name: group, verdict} of Object.values(groups)) {
      this.#watched.set(group, {is: kindsOf(verdict), since: now})
      for (const kind of kinds) this.#counters[kind].inc({group}, 0)
    }
  }
}

/** A split brain may be written to as well, by `on_split_brain: follow-evidence`. */
const kindsOf = ({kind, routedTo}: Verdict): readonly Kind[] => [
  ...(routedTo === null ? [] : (['writable'] as const)),
  ...(kind === 'split-brain' || kind === 'no-primary' ? [kind] : []),
]
