import type {PgbouncerDatabase} from '../../core/actuator-settings.ts'
import {holdOn} from '../../core/offers/held.ts'
import type {HeldState, Hold, Snapshot} from '../../core/snapshot.ts'
import {endpointsOf, type SharedAddress, sharedProblem} from './problems.ts'
import type {PgbouncerState} from './state.ts'

/** The hold that makes the clients of this database wait; `null`: none. */
export function holdOf({role, group}: PgbouncerDatabase, snapshot: Snapshot): Hold | null {
  if (role !== 'primary') return null
  const groups = Object.keys(snapshot.groups)
  return holdOn(snapshot, group ?? (groups.length === 1 ? (groups[0] ?? '') : ''))
}

type Held = Readonly<{
  databases: Readonly<Record<string, PgbouncerDatabase>>
  /** `null`: the console cannot be reached. */
  state: PgbouncerState | null
  shared: SharedAddress | null
}>

/**
 * Whether the clients of every database of the hold wait. PgBouncer shows a database as paused as
 * soon as it has read PAUSE; transactions that are under way go on, and keep their connection.
 */
export function heldStateOf({databases, state, shared}: Held, snapshot: Snapshot): HeldState | null {
  const {hold} = snapshot
  if (!hold) return null
  const names = Object.entries(databases).flatMap(([name, database]) => (holdOf(database, snapshot) ? name : []))
  if (names.length === 0) return null
  const {id} = hold
  if (shared !== null) return {id, status: 'impossible', why: [sharedProblem(shared)]}
  if (state === null) return {id, status: 'waiting', why: ['PgBouncer does not answer']}
  const why = names.flatMap((name) => {
    const shown = state.databases.find((one) => one.name === name)
    if (!shown?.isPaused) return `database "${name}" is not paused yet`
    const inUse = state.inUse.filter(({database}) => database === name)
    return inUse.length === 0 ? [] : `${inUse.length} transactions of database "${name}" go on at ${endpointsOf(inUse)}`
  })
  return {id, status: why.length === 0 ? 'held' : 'waiting', why}
}
