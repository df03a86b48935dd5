import {chmod, chown, copyFile, mkdir, readdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type pg from 'pg'
import type {NodeSettings} from './node-conf.ts'

/** The server to copy from, as a base backup needs it. */
export type CopySource = Readonly<{
  settings: NodeSettings
  port: number
  data: string
  connect(): Promise<pg.Client & AsyncDisposable>
}>

/**
 * Files of the running server that are no part of a backup (PostgreSQL documentation, 26.3.4
 * "Backing Up the Data Directory").
 */
const leftOut = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'pg_internal.init',
  'standby.signal',
  'recovery.signal',
  'backup_label',
  'tablespace_map',
  'backup_manifest',
])
const emptied = new Set([
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
])

/** A base backup without pg_basebackup: the low-level API and a copy of the files (26.3.3). */
export async function copyHot(source: CopySource, target: string): Promise<void> {
  const {account} = source.settings
  // One session from start to stop: the backup ends with the session.
  await using client = await source.connect()
  // PostgreSQL 15 renamed the functions and removed exclusive backups.
  const {rows: found} = await client.query("select current_setting('server_version_num')::int >= 150000 as is_new")
  const [start, stop] = found[0].is_new
    ? ["pg_backup_start('pgroute66 demo', true)", 'pg_backup_stop(false)']
    : ["pg_start_backup('pgroute66 demo', true, false)", 'pg_stop_backup(false)']
  await client.query(`select ${start}`)
  await copyTree(source.data, target)
  const {rows} = await client.query(`select labelfile from ${stop}`)
  const label = join(target, 'backup_label')
  await writeFile(label, rows[0].labelfile, {mode: 0o600})
  if (account) await chown(label, account.uid, account.gid)

  /** `isWal`: copies folders only. The standby streams the WAL that it needs. */
  async function copyTree(from: string, to: string, isWal = false): Promise<void> {
    await mkdir(to, {recursive: true, mode: 0o700})
    await chmod(to, 0o700)
    if (account) await chown(to, account.uid, account.gid)
    for (const entry of await readdir(from, {withFileTypes: true})) {
      const [here, there] = [join(from, entry.name), join(to, entry.name)]
      if (entry.isDirectory()) {
        if (emptied.has(entry.name)) await makeEmpty(there)
        else await copyTree(here, there, isWal || entry.name === 'pg_wal')
      } else if (entry.isFile() && !isWal && !leftOut.has(entry.name) && !entry.name.startsWith('pgsql_tmp'))
        await copyOne(here, there)
    }
  }

  async function makeEmpty(path: string): Promise<void> {
    await mkdir(path, {mode: 0o700})
    if (account) await chown(path, account.uid, account.gid)
  }

  async function copyOne(here: string, there: string): Promise<void> {
    try {
      await copyFile(here, there)
    } catch (error) {
      // A running server removes files. A removed file was not needed, or WAL replay restores it.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    if (account) await chown(there, account.uid, account.gid)
  }
}
