import type {SnapshotSource} from '../core/ports.ts'
import type {Change, Snapshot} from '../core/snapshot.ts'

/** Of what waits for the lease, the latest. */
const mostWaiting = 1_000

/**
 * The groups that this instance owns, for what acts beyond its machine. While its lease is not valid, another
 * instance may be the owner and tell the same change. So changes wait, and are told once the lease is valid, where
 * the group is still ours.
 */
export const fencedView = (own: SnapshotSource, isValid: () => boolean): SnapshotSource => ({
  current: () => own.current(),
  subscribe(listener) {
    let waiting: readonly Change[] = []
    return own.subscribe((publication) => {
      const {changes, snapshot} = publication
      if (!isValid()) {
        waiting = [...waiting, ...changes].slice(-mostWaiting)
        return
      }
      const kept = waiting.filter((change) => isOf(change, snapshot))
      waiting = []
      listener({...publication, changes: [...kept, ...changes]})
    })
  },
  [Symbol.asyncDispose]: async () => {},
})

const isOf = ({group, host}: Change, {groups, hosts}: Snapshot): boolean =>
  group === null ? host !== null && Object.hasOwn(hosts, host) : Object.hasOwn(groups, group)
