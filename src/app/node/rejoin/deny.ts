import {readFile, readlink} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {writeDeny} from '../../../actuators/guard/hba-file.ts'
import type {GuardSettings} from '../../../core/node/guard-settings.ts'
import type {RejoinSettings} from '../../../core/node/rejoin-settings.ts'

/**
 * Shuts the gates of the guard in the pg_hba.conf that the server of this data directory reads, and tells
 * the server if it runs. Resolves to a problem in words; `null`: deny is on the disk.
 */
export async function denyIn(dataDirectory: string, guard: GuardSettings, rejoin: RejoinSettings) {
  const path = hbaFileOf(dataDirectory, guard, rejoin)
  const written = await writeDeny(path, guard.rules)
  if (written.kind === 'failed') return `${path} ${written.why}`
  const [pid = ''] = (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  try {
    // After a crash the file stays, and its number may be that of another program by now.
    if (/^\d+$/.test(pid) && (await readlink(`/proc/${pid}/cwd`)) === dataDirectory) process.kill(Number(pid), 'SIGHUP')
  } catch {
    // The server has ended: it reads the file when it starts.
  }
  return null
}

/** While rejoin works, the data directory has another name than in the configuration. */
function hbaFileOf(
  dataDirectory: string,
  {hbaFile}: Pick<GuardSettings, 'hbaFile'>,
  {pgdata, configFile}: RejoinSettings,
): string {
  if (hbaFile?.startsWith(`${pgdata}/`)) return join(dataDirectory, hbaFile.slice(pgdata.length + 1))
  if (hbaFile !== null) return hbaFile
  return configFile === null ? join(dataDirectory, 'pg_hba.conf') : join(dirname(configFile), 'pg_hba.conf')
}
