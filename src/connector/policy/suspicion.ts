import type {HostState} from '../../core/snapshot.ts'

/** A read lost this host. `at`: monotonic, when. */
export type Suspicion = Readonly<{at: number; error: Error}>

/**
 * Only an answer of the host that the monitor *asked for* after that moment ends a suspicion: an
 * earlier answer knows nothing of it, and a timer would make the next read the probe.
 */
export const isCleared = ({at}: Suspicion, host: HostState | undefined): boolean =>
  host !== undefined && host.role !== 'unavailable' && host.askedAt !== null && host.askedAt > at
