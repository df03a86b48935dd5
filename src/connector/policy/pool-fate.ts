import type {HostState} from '../../core/snapshot.ts'
import type {Cause} from '../../core/vocabulary.ts'
import type {Kind} from '../kind.ts'

/**
 * `keep`: the connections stay. `retire`: idle ones are closed, and what runs may finish. `cut`: the
 * sockets are destroyed at once, because no answer will come, or none that counts.
 */
export type PoolFate = 'keep' | 'retire' | 'cut'

export type FateQuestion = Readonly<{
  kind: Kind
  name: string
  /** `undefined`: no longer configured. */
  host: HostState | undefined
  /** The application's own switch. */
  isOnline: boolean
  writer: string | null
}>

/** The server does not answer, or its sessions are gone. */
const gone: ReadonlySet<Cause | null> = new Set<Cause>(['refused', 'timeout', 'closed', 'hung'])
/** The monitor knows nothing new of the host: its sessions may be well. */
const unknown: ReadonlySet<Cause | null> = new Set<Cause | null>([
  null,
  'stale',
  'auth',
  'tls',
  'dns',
  'too-many-connections',
  'error',
])

/**
 * What becomes of the connections to a host. Reads of a host that is gone are cut, so that they are
 * repeated elsewhere; a frozen host would keep them without end. Writes are cut only once another
 * host is routed to: until then their host may still answer.
 */
export function poolFate({kind, name, host, isOnline, writer}: FateQuestion): PoolFate {
  if (kind === 'write' && writer !== null && writer !== name) return 'cut'
  if (host === undefined || !isOnline || host.drained !== null) return 'retire'
  if (kind === 'write' || host.role !== 'unavailable' || unknown.has(host.cause)) return 'keep'
  return gone.has(host.cause) ? 'cut' : 'retire'
}
