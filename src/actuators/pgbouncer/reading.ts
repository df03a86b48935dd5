import type {RouterDatabase, RouterReading} from '../../core/router.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {leadsTo} from './destination.ts'
import {isNowhere} from './include.ts'
import type {DesiredPgbouncer, ObservedPgbouncer} from './plan.ts'

/** The configured databases as PgBouncer has them; `null`: its console could not be reached. */
export function readingOf(
  {databases}: Pick<DesiredPgbouncer, 'databases'>,
  {state, heldMs}: Pick<ObservedPgbouncer, 'state' | 'heldMs'>,
  snapshot: Snapshot,
): RouterReading | null {
  if (state === null) return null
  return {
    kind: 'pgbouncer',
    databases: Object.entries(databases).map(([name, {role, group}]): RouterDatabase => {
      const shown = state.databases.find((each) => each.name === name)
      const pointer = shown === undefined || isNowhere(shown) ? null : {host: shown.host, port: shown.port}
      const there = Object.values(snapshot.hosts).filter((host) => pointer !== null && leadsTo(pointer, host))
      return {
        name,
        role,
        group,
        leadsTo: pointer,
        hosts: there.map(({host}) => host),
        paused: shown?.isPaused ? {by: Object.hasOwn(heldMs, name) ? 'pgroute66' : 'another'} : null,
        isDisabled: shown?.isDisabled ?? false,
        connections: shown?.connections ?? null,
      }
    }),
  }
}
