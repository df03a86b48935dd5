import {lstat, readdir, readFile, readlink, realpath, stat, statfs} from 'node:fs/promises'
import {basename, dirname, join, resolve} from 'node:path'
import {OperatorError} from '../../core/errors.ts'
import type {RejoinSettings} from '../../core/node/rejoin-settings.ts'
import {runProgram} from '../../system/program.ts'
import {readHistory} from './fork.ts'
import {exists, placesOf} from './places.ts'
import {backupAmong, holdersOf} from './processes.ts'
import {type ControlData, type LocalState, readControlData} from './state.ts'
import {highestTimeline} from './wal.ts'

/**
 * The real path of the data directory. Throws OperatorError where it is none, or where another user owns
 * it: pg_rewind would leave files that the server cannot read.
 */
export async function dataDirectory({pgdata}: RejoinSettings): Promise<string> {
  const path = await realPath(pgdata)
  const {work, mark} = placesOf(path)
  const uid = process.getuid?.()
  // After an interruption the data directory has another name, or there is the mark alone.
  for (const one of [path, work, mark]) {
    const found = await stat(one).catch(() => null)
    if (found !== null && uid !== found.uid)
      throw new OperatorError(
        'REJOIN_USER',
        `${one} belongs to user ${found.uid}, and rejoin runs as user ${uid}`,
        'Run it as the owner of the data directory: "sudo -u postgres pgroute66 rejoin …".',
      )
  }
  return path
}

/** Also where it leads to nothing: while rejoin works, a link to the data directory does. */
async function realPath(path: string): Promise<string> {
  const parent = await realpath(dirname(path)).catch(() => dirname(path))
  try {
    return await realpath(path)
  } catch (error) {
    const isDangling = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const target = isDangling ? await readlink(path).catch(() => null) : null
    return target === null ? join(parent, basename(path)) : realPath(resolve(parent, target))
  }
}

/** Reads what lies in the data directory. Throws OperatorError where it is no data directory. */
export async function readLocal(settings: RejoinSettings, pgdata: string): Promise<LocalState> {
  if (!(await exists(join(pgdata, 'global', 'pg_control'))))
    throw new OperatorError(
      'REJOIN_PGDATA',
      `${pgdata} is no data directory: it has no global/pg_control`,
      'Correct rejoin.pgdata.',
    )
  const control = await controlData(settings.bin, pgdata)
  const holders = await holdersOf([pgdata])
  const {code} = await runProgram(settings.status, {limitMs: 30_000})
  const timeline = Math.max(control.checkpointTimeline, await highestTimeline(pgdata))
  const name = `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`
  const wal = join(pgdata, 'pg_wal')
  return {
    control,
    timeline,
    history: readHistory(await readFile(join(wal, name), 'utf8').catch(() => '')),
    isRunning: holders.length > 0 || code === 0,
    hasSignal: (await exists(join(pgdata, 'standby.signal'))) || (await exists(join(pgdata, 'recovery.signal'))),
    backup: (await exists(join(pgdata, 'backup_label'))) ? 'backup_label is there' : backupAmong(holders),
    manager: await managerOf(pgdata),
    hasTablespaces: (await readdir(join(pgdata, 'pg_tblspc'))).length > 0,
    isWalElsewhere: (await lstat(wal)).isSymbolicLink(),
    isMountPoint: (await stat(pgdata)).dev !== (await stat(dirname(pgdata))).dev,
    freeBytes: await freeBytes(dirname(pgdata)),
    archiveFreeBytes: await freeBytes(settings.archive),
  }
}

/** Throws OperatorError where pg_controldata cannot be run. */
export async function controlData(bin: string, pgdata: string): Promise<ControlData> {
  const {code, stdout, stderr} = await runProgram([join(bin, 'pg_controldata'), '-D', pgdata], {limitMs: 60_000})
  if (code === 0) return readControlData(stdout)
  throw new OperatorError(
    'REJOIN_PGDATA',
    `pg_controldata ended with ${code}: ${stderr.trim().slice(0, 300)}`,
    'Set rejoin.bin to the folder that "pg_config --bindir" prints for this server.',
  )
}

/** Tools that restart and rebuild servers leave a file in the data directory. */
async function managerOf(pgdata: string): Promise<string | null> {
  if (await exists(join(pgdata, 'patroni.dynamic.json')))
    return 'Patroni keeps this server (patroni.dynamic.json is in its data directory)'
  if (await exists(join(pgdata, 'postgresql-auto-failover.conf')))
    return 'pg_auto_failover keeps this server (postgresql-auto-failover.conf is in its data directory)'
  return null
}

/** Of the file system of a folder, or of the nearest one above it that exists. */
async function freeBytes(folder: string): Promise<number> {
  for (let path = folder; ; path = dirname(path)) {
    const found = await statfs(path).catch(() => null)
    if (found !== null) return found.bavail * found.bsize
    if (path === '/') return 0
  }
}
