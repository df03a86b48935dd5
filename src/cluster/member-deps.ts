import type {Clock, Log, Random} from '../core/ports.ts'
import type {StartEngine} from './engines.ts'
import type {Instance} from './record.ts'
import type {Registry} from './registry.ts'

/** What an instance of a set is made of. */
export type MemberDeps = Readonly<{
  us: Omit<Instance, 'session' | 'isLeaving'>
  /** That our configuration has. */
  groups: readonly string[]
  ttlMs: number
  maxAgeMs: number
  hasStandby: boolean
  registry: Registry
  start: StartEngine
  clock: Clock
  random: Random
  log: Log
  /** What the streams of the other instances tell: by group, the highest epoch of an owner. */
  heardEpoch: (group: string) => number
  /** Who answers for this group, or what it answers, has changed; `null`: for every group. */
  changed: (group: string | null) => void
  /** The instances of the set may be others now; also called from time to time. */
  seen: () => void
  /** Counts, for metrics. */
  count: (what: 'takeover' | 'handover' | 'fenced') => void
}>
