import {findServer} from '../../core/offers/server-lookup.ts'
import type {ServerName} from '../../core/offers/server-name.ts'
import type {RouterReading, RouterServer} from '../../core/router.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {matchServer} from './match.ts'
import type {DesiredHaproxy} from './plan.ts'
import type {ReadServer} from './read.ts'

/**
 * Bits of `srv_admin_state` (HAProxy 2.6 management guide, "show servers state"). Bit 4 alone stops
 * nothing: it records what haproxy.cfg says.
 */
const [maintenance, drain] = [0x01 | 0x02 | 0x20 | 0x40, 0x08 | 0x10]
const byChecks = ['down', 'starting', 'up', 'stopping'] as const

/** The servers of the configured backends, in the order of HAProxy. */
export function readingOf(
  {backends}: Pick<DesiredHaproxy, 'backends'>,
  servers: readonly ReadServer[],
  snapshot: Snapshot,
): RouterReading {
  const find = (server: ServerName) => findServer(server, snapshot)
  return {
    kind: 'haproxy',
    servers: servers.flatMap((server): RouterServer[] => {
      const role = Object.hasOwn(backends, server.backend) ? backends[server.backend] : undefined
      if (role === undefined) return []
      const match = matchServer(server, find)
      return [
        {
          backend: server.backend,
          role,
          server: server.server,
          host: match.kind === 'host' ? match.host.host : null,
          address: server.address,
          port: server.port,
          state: stateOf(server),
          sessions: server.sessions,
        },
      ]
    }),
  }
}

function stateOf({adminState, opState}: ReadServer): RouterServer['state'] {
  if ((adminState & maintenance) !== 0) return 'maint'
  if ((adminState & drain) !== 0) return 'drain'
  return byChecks[opState] ?? 'down'
}
