import type {HaproxyInstance} from '../../core/actuator-settings.ts'
import type {HaproxyServer} from './match.ts'
import {readHaproxy} from './read.ts'
import {openRuntime} from './runtime.ts'

/** As long as a pass of the push may take. */
const timeoutMs = 5_000

/** One HAProxy as it is now. `version: null`: it cannot be read, and `problem` says why. */
export type HaproxyNow = Readonly<{
  socket: string
  version: string | null
  /** Of the configured backends. */
  servers: readonly HaproxyServer[]
  problem: string | null
}>

/** Names no server, so that it changes nothing: HAProxy looks at the rights of the socket first. */
const harmless = 'set server pgroute66-none/pgroute66-none state ready'

/**
 * Reads one HAProxy, and finds out whether the daemon may change its servers (`level admin`). Never
 * rejects.
 */
export async function haproxyNow({socket, backends}: HaproxyInstance): Promise<HaproxyNow> {
  try {
    using runtime = await openRuntime(socket, AbortSignal.timeout(timeoutMs))
    const {servers, version} = await readHaproxy(runtime)
    const reply = await runtime.ask(harmless)
    const problem = /permission/i.test(reply) ? `${socket} has too few rights: add "level admin" in haproxy.cfg` : null
    const own = servers.filter(({backend}) => Object.hasOwn(backends, backend))
    return {socket, version: version || 'of an unknown version', servers: own, problem}
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    return {socket, version: null, servers: [], problem}
  }
}
