import type {SnapshotSource} from '../../core/ports.ts'
import type {Received} from '../frame.ts'

/**
 * What changed before we came, newest first. A daemon that does not tell is no reason not to watch
 * it.
 */
export async function pastChangesOf(source: SnapshotSource): Promise<readonly Received[]> {
  try {
    return ((await source.past?.()) ?? []).map(({at, change}) => ({at, change})).reverse()
  } catch {
    return []
  }
}
