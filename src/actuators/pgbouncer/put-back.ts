import type {PgbouncerSettings} from '../../core/actuator-settings.ts'
import {HeldFile} from '../../system/held-file.ts'
import {type OpenConsole, placeOf} from './console.ts'
import {quoted} from './sessions.ts'

type Deps = Readonly<{openConsole: OpenConsole; stateDir: string | null}>

/** Resumes the databases that a daemon has paused for a planned switch, and is gone. Never rejects. */
export async function putBackPgbouncer(
  {admin}: PgbouncerSettings,
  {openConsole, stateDir}: Deps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const name = nameOf(admin)
  const file = new HeldFile(stateDir, name)
  const held = Object.keys(await file.read())
  if (held.length === 0) return []
  try {
    using console = await openConsole(admin, signal)
    for (const database of held) await resume(() => console.ask(`RESUME ${quoted(database)}`, signal))
    await file.write({})
    return [`${name}: clients of ${held.join(', ')} go on`]
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : error}`]
  }
}

/** Resumed or removed by another hand. */
async function resume(ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask()
  } catch (error) {
    if (!(error instanceof Error && /is not paused|no such database/i.test(error.message))) throw error
  }
}

/** Of the actuator. */
export const nameOf = (admin: PgbouncerSettings['admin']): string => `pgbouncer ${placeOf(admin)}`
