import type {Config} from './config/config.ts'
import {configOf, openSource} from './connector/source.ts'
import type {ConnectOptions} from './connector/types.ts'
import {parseLag} from './core/limits.ts'
import {type Eligibility, eligibilityOf, noLimits} from './core/offers/eligibility.ts'
import type {SnapshotSource} from './core/ports.ts'
import type {Snapshot} from './core/snapshot.ts'
import type {Predicate} from './core/vocabulary.ts'
import {onAbort} from './core/wait.ts'

/** What to watch: a configuration (path, or the same tree as an object), or a running daemon. */
export type Watched = string | object | Readonly<{daemon: NonNullable<ConnectOptions['daemon']>}>

/** How long a daemon may take for its first snapshot. */
const patienceMs = 5_000

/**
 * The configuration, frozen, with every default filled in. Rejects with OperatorError; where the
 * content is wrong, `problems` has all of it.
 */
export const loadConfig = (config: string | object): Promise<Config> => configOf(config)

/**
 * Watches a cluster: by a monitor of this process, which remembers nothing of its own, or through a
 * daemon. Resolves with a daemon's first snapshot, or with a monitor whose snapshots are `ready`
 * after the first round. `signal` ends it, as disposing of it does. Rejects with OperatorError.
 */
export async function watchCluster(
  watched: Watched,
  {signal}: Readonly<{signal?: AbortSignal}> = {},
): Promise<SnapshotSource> {
  signal?.throwIfAborted()
  const options = typeof watched === 'object' && 'daemon' in watched ? watched : {config: watched}
  const {source} = await openSource(options as ConnectOptions, patienceMs)
  if (signal !== undefined) onAbort(signal, () => void source[Symbol.asyncDispose]())
  return source
}

/**
 * May this host be used for that, as of this snapshot: `primary`, `replica`, `read-only` and so on.
 * `lag`: `16MB` or `5s`, which a replica must keep to. `why` says it in words. Throws TypeError on
 * a lag that is none.
 */
export function holds(predicate: Predicate, snapshot: Snapshot, host: string, lag?: string): Eligibility {
  const state = snapshot.hosts[host]
  if (state === undefined) return {ok: false, why: `there is no host ${host}`}
  const limits = lag === undefined ? noLimits : parseLag(lag, 'refused')
  if (limits === null) throw new TypeError(`lag is ${JSON.stringify(lag)}: write a number and a unit, "16MB" or "5s"`)
  return eligibilityOf(predicate, snapshot, state, limits)
}
