import {readFile, stat} from 'node:fs/promises'
import {isAbsolute, join, resolve} from 'node:path'
import type {Config} from '../../../config/config.ts'
import {OperatorError} from '../../../core/errors.ts'
import type {DataDirectory} from './data-directory.ts'

export type PlaceFlags = Readonly<{pgdata: readonly string[]; bin: string | undefined}>

/** By host: its data directory on this machine. Throws OperatorError. */
export async function directoriesOf(
  {pgdata, bin}: PlaceFlags,
  config: Config,
  hosts: readonly string[],
): Promise<ReadonlyMap<string, DataDirectory>> {
  const {rejoin, local} = config
  const own = rejoin !== null && local !== null && hosts.includes(local)
  const places = new Map<string, DataDirectory>(own ? [[local, {bin: bin ?? rejoin.bin, pgdata: rejoin.pgdata}]] : [])
  for (const text of pgdata) {
    const [, host, folder] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (host === undefined || folder === undefined || !hosts.includes(host))
      throw new OperatorError(
        'USAGE',
        `--pgdata "${text}" is not HOST=FOLDER of one of the two hosts`,
        `Write --pgdata ${hosts[0]}=/var/lib/postgresql/15/main.`,
      )
    const path = isAbsolute(folder) ? folder : resolve(folder)
    places.set(host, {bin: bin ?? (await programsFor(path)), pgdata: path})
  }
  return places
}

/** Where Debian's and the RPMs of postgresql.org lie; else the programs are taken from PATH. */
async function programsFor(pgdata: string): Promise<string> {
  const version = await readFile(join(pgdata, 'PG_VERSION'), 'utf8').then(
    (text) => text.trim(),
    () => '',
  )
  for (const folder of [`/usr/lib/postgresql/${version}/bin`, `/usr/pgsql-${version}/bin`])
    if (await stat(join(folder, 'pg_waldump')).catch(() => null)) return folder
  return ''
}
