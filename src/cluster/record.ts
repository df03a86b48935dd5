import type {Maintenance} from '../core/snapshot.ts'
import type {Memory} from '../core/verdict/group-memory.ts'

/** One run of one instance: an instance that starts again is another claimant. */
export type Claimant = Readonly<{id: string; session: string}>

/** What an instance says of itself, for as long as its lease lasts. */
export type Instance = Claimant &
  Readonly<{
    /** Where the other instances reach its API. */
    url: string
    version: string
    /** Of hosts, groups and policy. Instances with different hashes do not take groups from each other. */
    configHash: string
    /** It is about to stop, and takes no group. */
    isLeaving: boolean
    /** Names of the routers at network addresses that it is configured to push to. */
    routers: readonly string[]
  }>

/**
 * Who owns a group, and what is remembered of it. `epoch` grows by one with each owner, so that the word
 * of an earlier owner is known for what it is.
 */
export type GroupRecord = Readonly<{
  owner: Claimant
  epoch: number
  /** An instance that is ready to be the next owner asks the present one for the group. */
  next: Claimant | null
  /** Of the owner's configuration. */
  configHash: string
  memory: Memory
}>

export const isSameClaimant = (one: Claimant, other: Claimant): boolean =>
  one.id === other.id && one.session === other.session

/** With the revision of the registry that wrote it. */
export type Stamped<T> = Readonly<{value: T; revision: bigint}>

/** `unreadable`: a later version wrote it, or another program. It is left alone. */
export type StampedRecord = Stamped<GroupRecord | 'unreadable'>

/** All that the registry holds of one set, at one revision. */
export type SetImage = Readonly<{
  revision: bigint
  /** Grows when the registry was found to have lost revisions: it was restored from a backup. */
  history: number
  instances: ReadonlyMap<string, Instance>
  groups: ReadonlyMap<string, StampedRecord>
  /** The configuration that an operator chose; `null`: none. */
  adopted: Stamped<string | null>
  /** Of the whole set. A revision of 0: there is no such key. */
  maintenance: Stamped<Maintenance | null>
}>

export const emptyImage: SetImage = {
  revision: 0n,
  history: 0,
  instances: new Map(),
  groups: new Map(),
  adopted: {value: null, revision: 0n},
  maintenance: {value: null, revision: 0n},
}
