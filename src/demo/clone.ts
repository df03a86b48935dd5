import {chmod, chown, copyFile, mkdir, readdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import pg from 'pg'
import type {PgNode} from './node.ts'

/** What belongs to the running server, not to the data (PostgreSQL documentation, 26.3.4 "Backing Up the Data Directory"). */
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
const emptied = new Set(['pg_wal', 'pg_replslot', 'pg_dynshmem', 'pg_notify', 'pg_serial', 'pg_snapshots', 'pg_stat_tmp', 'pg_subtrans'])

/** A base backup by hand, because the embedded PostgreSQL has no pg_basebackup: the low-level API and a copy of the files (26.3.3). */
export async function cloneData(source: PgNode, target: string): Promise<void> {
  const {account} = source.settings
  const client = new pg.Client({host: source.settings.folder, port: source.port, user: 'postgres', database: 'postgres'})
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query("select pg_backup_start('pgroute66 demo', true)")
    await copyTree(source.data, target)
    const {rows} = await client.query('select labelfile from pg_backup_stop(false)')
    await writeFile(join(target, 'backup_label'), rows[0].labelfile, {mode: 0o600})
    if (account) await chown(join(target, 'backup_label'), account.uid, account.gid)
  } finally {
    await client.end()
  }

  async function copyTree(from: string, to: string, isEmptied = false): Promise<void> {
    await mkdir(to, {recursive: true, mode: 0o700})
    await chmod(to, 0o700)
    if (account) await chown(to, account.uid, account.gid)
    for (const entry of await readdir(from, {withFileTypes: true})) {
      const [here, there] = [join(from, entry.name), join(to, entry.name)]
      if (entry.isDirectory()) await copyTree(here, there, isEmptied || emptied.has(entry.name))
      else if (entry.isFile() && !isEmptied && !leftOut.has(entry.name) && !entry.name.startsWith('pgsql_tmp')) await copyOne(here, there)
    }
  }

  async function copyOne(here: string, there: string): Promise<void> {
    try {
      await copyFile(here, there)
    } catch (error) {
      // A running server removes files; what is gone was not needed, or comes again by WAL.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    if (account) await chown(there, account.uid, account.gid)
  }
}
