import type {Lsn} from '../facts/observation.ts'
import type {Drain, Maintenance} from '../snapshot.ts'

/**
 * Who wrote on a timeline, and how far. A number is not a timeline: two promotions from one parent
 * have the same number.
 */
export type Writer = Readonly<{
  timeline: number
  /** `null`: not known, because the timeline was seen on standbys alone. */
  host: string | null
  /** Other names that were proven to lead to the same server; absent: none. */
  names?: readonly string[]
  /** Its address and port in the configuration: `10.0.0.1:5432`. */
  at: string | null
  /** Start of its postmaster, milliseconds since 1970. */
  startedAt: number | null
  /**
   * The highest position that it had flushed, or that a standby had received from it. What was only
   * written is not kept: a power loss may rightly take it.
   */
  lsn: Lsn | null
  /** Which host showed `lsn`: the writer, or a standby. */
  by: string | null
  /** Where it was when it no longer had `lsn`. What is lost stays lost when it writes past it. */
  lost: Lsn | null
  /** What its promotion left behind; absent: nothing that is known. */
  left?: readonly LeftBehind[]
  /** An operator accepted it on this timeline: whatever its promotion left behind, it is routed to. */
  accepted?: true
}>

/** WAL of an earlier timeline that the standby `host` holds up to `lsn`. */
export type LeftBehind = Readonly<{
  host: string
  timeline: number
  lsn: Lsn
  /** Where the promoted primary was when it was first seen as one. */
  from: Lsn
}>

/** An operator overruled this writer in favour of the host `for`. */
export type Void = Readonly<{timeline: number; host: string | null; for: string}>

/** The timelines of one cluster. */
export type Timelines = Readonly<{wrote: readonly Writer[]; voids: readonly Void[]}>
export const noTimelines: Timelines = {wrote: [], voids: []}
/** In `unproven`, the cluster of all hosts that do not tell theirs. */
export const untold = ''

/** What survives a restart, per group (DESIGN 4.1, 4.2). */
export type GroupMemory = Timelines &
  Readonly<{
    /**
     * The hosts of the group, by which a renamed group is recognised; absent: not written yet.
     */
    hosts?: readonly string[]
    systemIdentifier: string | null
    /** By standby: only positions beyond this one speak against the primary. */
    voidStandbys: Readonly<Record<string, Lsn>>
    /** The rivals of a split brain that has not ended; empty: none. */
    rivals: readonly string[]
    /** Timelines by cluster, while the group's cluster is unknown; absent: none. */
    unproven?: Readonly<Record<string, Timelines>>
  }>
export const blankMemory: GroupMemory = {...noTimelines, systemIdentifier: null, voidStandbys: {}, rivals: []}

export type Memory = Readonly<{
  groups: Readonly<Record<string, GroupMemory>>
  drains: Readonly<Record<string, Drain>>
  maintenance: Maintenance | null
}>
export const nothingRemembered: Memory = {groups: {}, drains: {}, maintenance: null}
