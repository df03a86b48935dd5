import {readFile, stat} from 'node:fs/promises'
import {isAbsolute, join, resolve} from 'node:path'
import type {Config} from '../../../config/config.ts'
import {OperatorError} from '../../../core/errors.ts'
import {type DataDirectory, unreadable} from './data-directory.ts'

export type PlaceFlags = Readonly<{pgdata: readonly string[]; bin: string | undefined}>

/** `notes`: by host, what a directory that was not asked for could not tell. */
export type Places = Readonly<{directories: ReadonlyMap<string, DataDirectory>; notes: ReadonlyMap<string, string>}>

/** By host: its data directory on this machine. Throws OperatorError. */
export async function directoriesOf(
  {pgdata, bin}: PlaceFlags,
  {rejoin, local}: Pick<Config, 'rejoin' | 'local'>,
  hosts: readonly string[],
): Promise<Places> {
  const places = new Map<string, DataDirectory>()
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
  if (rejoin === null || local === null || !hosts.includes(local) || places.has(local))
    return {directories: places, notes: new Map()}
  const own = {bin: bin ?? rejoin.bin, pgdata: rejoin.pgdata}
  const why = await unreadable(own)
  if (why !== null) return {directories: places, notes: new Map([[local, `commits of ${local} not counted: ${why}`]])}
  return {directories: places.set(local, own), notes: new Map()}
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
