import {join} from 'node:path'
import {type CopySource, copyHot} from './hot-copy.ts'
import type {NodeSettings} from './node-conf.ts'
import {hasProgram, runProgram} from './program.ts'

/**
 * Takes a base backup of a running server into `target`: with pg_basebackup, or by hand where that
 * program is missing, as in embedded PostgreSQL.
 */
export async function cloneData(source: CopySource, target: string): Promise<void> {
  const {binaries, account, folder, sockets} = source.settings
  if (!hasProgram(binaries, 'pg_basebackup')) return await copyHot(source, target)
  const args = [
    '-D',
    target,
    '-h',
    sockets,
    '-p',
    String(source.port),
    '-U',
    'postgres',
    '-X',
    'stream',
    '-c',
    'fast',
    '--no-sync',
  ]
  await runProgram(join(binaries, 'pg_basebackup'), args, account, folder)
}

type RewindTarget = Readonly<{settings: NodeSettings; data: string}>
type RewindSource = Readonly<{port: number; settings: NodeSettings; sql(text: string): Promise<unknown>}>

/**
 * Turns the data of a stopped server that diverged back into a copy of `source`, with pg_rewind. It
 * copies the configuration too, so write the configuration again afterwards. Throws where pg_rewind
 * is missing.
 */
export async function rewindData(target: RewindTarget, source: RewindSource): Promise<void> {
  const {binaries, account, folder} = target.settings
  // Otherwise pg_rewind reads the timeline of the source's last checkpoint, and finds nothing to do
  // after a promotion (seen).
  await source.sql('checkpoint')
  const server = `host=${source.settings.sockets} port=${source.port} user=postgres dbname=postgres`
  await runProgram(
    join(binaries, 'pg_rewind'),
    ['-D', target.data, `--source-server=${server}`, '--no-sync'],
    account,
    folder,
  )
}
