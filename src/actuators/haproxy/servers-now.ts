import type {HaproxyInstance} from '../../core/actuator-settings.ts'
import type {HaproxyServer} from './match.ts'
import {readHaproxy} from './read.ts'
import {openRuntime} from './runtime.ts'

/** As long as a pass of the push may take. */
const timeoutMs = 5_000

/**
 * The servers of the configured backends of one HAProxy, as it has them now. A text: why they cannot
 * be read. Never rejects.
 */
export async function serversNow({socket, backends}: HaproxyInstance): Promise<readonly HaproxyServer[] | string> {
  try {
    using runtime = await openRuntime(socket, AbortSignal.timeout(timeoutMs))
    const {servers} = await readHaproxy(runtime)
    return servers.filter(({backend}) => Object.hasOwn(backends, backend))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
