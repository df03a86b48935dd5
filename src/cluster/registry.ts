import type {Maintenance} from '../core/snapshot.ts'
import type {GroupRecord, Instance, SetImage} from './record.ts'

/** A lease, and the revision that made the key of the instance: the fence of everything it writes. */
export type Joined = Readonly<{lease: string; createdAt: bigint}>

/** What is written where nothing was written since `revision` (0: where there is nothing). */
export type RegistryWrite = Readonly<
  | {kind: 'group'; name: string; record: GroupRecord; revision: bigint}
  | {kind: 'instance'; instance: Instance}
  /** `configHash` null: no configuration is adopted any longer. */
  | {kind: 'adopted'; configHash: string | null; revision: bigint}
  /** `forMs`: the registry ends it by its own clock; `null`: an order ends it. `value` null: it ends now. */
  | {kind: 'maintenance'; value: Maintenance | null; forMs: number | null; revision: bigint}
>

/**
 * Where the instances of a set meet. Every method rejects with an Error where the registry does not
 * answer in time; then the caller does not know whether a write was carried out, and reads.
 */
export interface Registry {
  /** `taken`: another session holds this id, until its lease ends. */
  join(instance: Instance, ttlMs: number, signal: AbortSignal): Promise<Joined | 'taken'>
  /** `false`: the lease is gone, and the key of the instance with it. */
  keepAlive(joined: Joined, signal: AbortSignal): Promise<boolean>
  /**
   * All of them or none, and only while the key of the instance is the one that `joined` made. At most
   * `portion` groups. `revision`: of what was written.
   */
  commit(
    joined: Joined,
    instance: Instance,
    writes: readonly RegistryWrite[],
    signal: AbortSignal,
  ): Promise<Readonly<{succeeded: boolean; revision: bigint}>>
  read(signal: AbortSignal): Promise<SetImage>
  /** Tells every image, the first one included, until `signal` aborts. Never rejects. */
  follow(
    listener: Readonly<{seen: (image: SetImage) => void; lost: (why: string) => void}>,
    signal: AbortSignal,
  ): Promise<void>
  /** Ends the lease at once. */
  leave(joined: Joined, signal: AbortSignal): Promise<void>
}

/** Groups in one commit: etcd takes 128 operations, and a portion has a comparison beside each write. */
export const portion = 60
