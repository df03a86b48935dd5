import type {SnapshotSource, Who} from '../core/ports.ts'
import type {WireSet} from '../protocol/set-json.ts'

/** The set that this instance is in, for the routes. */
export type SharedFacts = Readonly<{
  /** The groups that this instance owns, alone. */
  own: SnapshotSource
  describe: () => WireSet
  /** The configuration of this instance becomes the one of the set. Rejects with OperatorError. */
  adopt: (who: Who) => Promise<string>
}>
