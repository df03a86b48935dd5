import type {SnapshotSource} from '../../core/ports.ts'
import type {Received} from '../frame.ts'

/**
 * The changes from before this screen was opened, newest first. Empty where the daemon cannot say:
 * watching goes on without them.
 */
export async function pastChangesOf(source: SnapshotSource): Promise<readonly Received[]> {
  try {
    return ((await source.past?.()) ?? []).map(({at, change}) => ({at, change})).reverse()
  } catch {
    return []
  }
}
