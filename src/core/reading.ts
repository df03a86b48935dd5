import type {HostState, Snapshot} from './snapshot.ts'
import type {Predicate} from './words.ts'

/** What the asker adds to a predicate. `null`: not asked. Unknown lag meets no limit. */
export type Limits = Readonly<{lagBytes: number | null; lagMs: number | null; replicationState: string | null}>
export const noLimits: Limits = {lagBytes: null, lagMs: null, replicationState: null}

/** Does `predicate` hold for `host` in this snapshot (DESIGN 4.4)? `why` is a sentence for an operator in both cases. */
export function holds(_predicate: Predicate, _snapshot: Snapshot, _host: HostState, _limits: Limits): Readonly<{ok: boolean; why: string}> {
  throw new Error('being written')
}
