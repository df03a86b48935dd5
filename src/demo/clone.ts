import {join} from 'node:path'
import {type CopySource, copyHot} from './hot-copy.ts'
import type {NodeSettings} from './node-conf.ts'
import {hasProgram, runProgram} from './program.ts'

/**
 * A base backup of a running server into `target`: by pg_basebackup, or by hand where that is
 * missing (embedded PostgreSQL has none).
 */
export async function cloneData(source: CopySource, target: string): Promise<void> {
  const {binaries, account, folder} = source.settings
  if (!hasProgram(binaries, 'pg_basebackup')) return await copyHot(source, target)
  const args = [
    '-D',
    target,
    '-h',
    folder,
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
type RewindSource = Readonly<{port: number; sql(text: string): Promise<unknown>}>

/**
 * Turns the data of a stopped server that went its own way back into a copy of `source`'s, by
 * pg_rewind. The configuration comes over as well: write it anew. Throws where there is no
 * pg_rewind.
 */
export async function rewindData(target: RewindTarget, source: RewindSource): Promise<void> {
  const {binaries, account, folder} = target.settings
  // Without it, pg_rewind reads the timeline of the source's last checkpoint, and finds nothing to
  // do after a promotion (seen).
  await source.sql('checkpoint')
  const server = `host=${folder} port=${source.port} user=postgres dbname=postgres`
  await runProgram(
    join(binaries, 'pg_rewind'),
    ['-D', target.data, `--source-server=${server}`, '--no-sync'],
    account,
    folder,
  )
}
