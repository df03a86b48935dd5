import {lstat, readdir, readFile, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {copyDurably, makeFolder, writeDurably} from '../../system/durable-tree.ts'

/** What the server keeps in its data directory, beside folders that begin with `pg_`. */
const servers = new Set([
  ...['base', 'global', 'log', 'PG_VERSION', 'postmaster.pid', 'postmaster.opts', 'current_logfiles'],
  ...['standby.signal', 'recovery.signal', 'recovery.conf', 'recovery.done', 'backup_manifest'],
  ...['backup_label', 'backup_label.old', 'tablespace_map', 'tablespace_map.old', 'postgresql.auto.conf.tmp'],
  ...['patroni.dynamic.json', 'lost+found'],
])
const isOwn = (name: string) =>
  !servers.has(name) && (!name.startsWith('pg_') || /^pg_(hba|ident)\.conf$/.test(name)) && !/^core(\.\d+)?$/.test(name)

/**
 * The configuration of this host inside the data directory, by name: all that is not the server's.
 * pg_rewind and pg_basebackup bring that of the other primary: its port, its pg_hba.conf, its key.
 */
export async function ownConfiguration(pgdata: string): Promise<readonly string[]> {
  const names = (await readdir(pgdata)).filter(isOwn)
  const kinds = await Promise.all(names.map((name) => lstat(join(pgdata, name))))
  return names
    .filter((_, index) => kinds[index]?.isFile() || kinds[index]?.isDirectory() || kinds[index]?.isSymbolicLink())
    .sort()
}

export async function saveConfiguration(pgdata: string, folder: string): Promise<void> {
  await makeFolder(folder)
  for (const name of await ownConfiguration(pgdata)) await copyDurably(join(pgdata, name), join(folder, name))
}

/** Puts back what was saved, and takes away what came from the other primary beside it. */
export async function restoreConfiguration(pgdata: string, folder: string): Promise<void> {
  for (const name of await ownConfiguration(pgdata)) await rm(join(pgdata, name), {recursive: true, force: true})
  for (const name of await readdir(folder)) await copyDurably(join(folder, name), join(pgdata, name))
}

export type Upstream = Readonly<{conninfo: string; slot: string | null}>

/** As PostgreSQL quotes a value in a configuration file, where a backslash escapes too. */
const quoted = (value: string) => `'${value.replaceAll(/['\\]/g, '$&$&')}'`

/** postgresql.auto.conf with another upstream: what is set there wins over every other file. */
export function withUpstream(text: string, {conninfo, slot}: Upstream): string {
  const kept = text.split('\n').filter((line) => !/^\s*primary_(conninfo|slot_name)\b/i.test(line) && line !== '')
  const own = [`primary_conninfo = ${quoted(conninfo)}`, `primary_slot_name = ${quoted(slot ?? '')}`]
  return `${[...kept, ...own].join('\n')}\n`
}

/** The next start is that of a standby of `upstream`. */
export async function becomeStandby(pgdata: string, upstream: Upstream): Promise<void> {
  const path = join(pgdata, 'postgresql.auto.conf')
  const text = await readFile(path, 'utf8').catch(() => '')
  await writeDurably(path, withUpstream(text, upstream))
  await rm(join(pgdata, 'recovery.signal'), {force: true})
  await writeDurably(join(pgdata, 'standby.signal'), '')
}
