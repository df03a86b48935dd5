import type {HaproxyInstance} from '../../core/actuator-settings.ts'
import {HeldFile} from '../../system/held-file.ts'
import {HeldFrontends} from './held-frontends.ts'

/** Lets the clients of this HAProxy go on that a daemon has held, and is gone. Never rejects. */
export async function putBackHaproxy(
  {socket, backends}: HaproxyInstance,
  stateDir: string | null,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const name = nameOf(socket)
  const frontends = new HeldFrontends({backends, frontends: {}}, new HeldFile(stateDir, name))
  const held = await frontends.load()
  if (held.length === 0) return []
  const problem = await frontends.releaseAll(socket, signal)
  return [problem === null ? `${name}: clients of ${held.join(', ')} go on` : `${name}: ${problem}`]
}

/** Of the actuator. */
export const nameOf = (socket: string): string => `haproxy ${socket}`
