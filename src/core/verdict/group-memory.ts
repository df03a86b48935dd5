import type {Drain, Maintenance} from '../snapshot.ts'

/** What survives a restart, per group (DESIGN 4.1, 4.2). */
export type GroupMemory = Readonly<{
  /**
   * The hosts of the group, by which a renamed group is recognised; absent: not written yet.
   */
  hosts?: readonly string[]
  systemIdentifier: string | null
  /** The highest timeline ever seen; a primary below it is an old one that came back. */
  highestTimeline: number | null
  /** The highest timeline by cluster, while the group's cluster is unknown; absent: none. */
  unproven?: Readonly<Record<string, number>>
  /** The rivals of a split brain that has not ended; empty: none. */
  rivals: readonly string[]
  /**
   * `pgroute66 accept`: this host on this timeline is not doubted because of timelines up to
   * `overrules`. Void once a later primary is routed to.
   */
  accepted: Readonly<{host: string; timeline: number; overrules: number}> | null
}>
export const blankMemory: GroupMemory = {systemIdentifier: null, highestTimeline: null, rivals: [], accepted: null}

export type Memory = Readonly<{
  groups: Readonly<Record<string, GroupMemory>>
  drains: Readonly<Record<string, Drain>>
  maintenance: Maintenance | null
}>
export const nothingRemembered: Memory = {groups: {}, drains: {}, maintenance: null}
