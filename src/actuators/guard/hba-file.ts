import {execFile} from 'node:child_process'
import {constants} from 'node:fs'
import {type FileHandle, lstat, open, readdir, realpath, rename, stat, unlink} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {promisify} from 'node:util'
import type {GateRules, Gates} from '../../core/node/guard-settings.ts'
import {readPlainFile} from '../../system/plain-file.ts'
import {findBlock, withBlock} from './block.ts'

/** What came of one write. */
export type Written =
  | Readonly<{kind: 'same'}>
  /** `isInPlace`: there was no room for another file. `before`: the bytes that were there. */
  | Readonly<{kind: 'written'; isInPlace: boolean; before: Buffer}>
  /** The old file is intact. `why` continues the path; `next`: what the operator can do. */
  | Readonly<{kind: 'failed'; why: string; next: string}>

/**
 * Writes the block for `gates` on top of this pg_hba.conf, and leaves every other byte as it is.
 * PostgreSQL, and a restart after `kill -9` at any moment, find the old file or the new one, whole.
 * Owner, mode and attributes stay. It reloads nothing. Never rejects.
 */
export async function writeGates(path: string, rules: GateRules, gates: Gates): Promise<Written> {
  try {
    const {file, bytes} = await readHba(path)
    const change = withBlock(bytes.toString('latin1'), rules, gates)
    if (change.kind === 'same') return change
    if (change.kind === 'refused')
      return failed(change.why, 'Leave one "begin" and one "end" line of the guard, or remove all of its lines.')
    const next = Buffer.from(change.text, 'latin1')
    try {
      await replaceBytes(file, next)
      return {kind: 'written', isInPlace: false, before: bytes}
    } catch (error) {
      if (change.inPlace === null || !isFull(error)) throw error
      await overwrite(file, Buffer.from(change.inPlace.block, 'latin1'), change.inPlace.start)
      return {kind: 'written', isInPlace: true, before: bytes}
    }
  } catch (error) {
    return failureOf(error)
  }
}

/** For what brings a server back: no gated user comes in before the guard agrees. Never rejects. */
export const writeDeny = (path: string, rules: GateRules): Promise<Written> =>
  writeGates(path, rules, {readWrite: 'deny', readOnly: 'deny'})

/** Puts bytes back that were there before. Never rejects. */
export async function putBack(path: string, bytes: Buffer): Promise<Written> {
  try {
    const {file, bytes: before} = await readHba(path)
    if (before.equals(bytes)) return {kind: 'same'}
    await replaceBytes(file, bytes)
    return {kind: 'written', isInPlace: false, before}
  } catch (error) {
    return failureOf(error)
  }
}

/** The block as it stands in the file, with its line numbers. Rejects with an errno or a Refusal. */
export async function readBlock(path: string): Promise<ReturnType<typeof findBlock>> {
  const {bytes} = await readHba(path)
  return findBlock(bytes.toString('latin1'))
}

/** Temporary files of runs that were killed. Never rejects. */
export async function removeLeftovers(path: string): Promise<void> {
  try {
    const file = await realpath(path)
    const folder = dirname(file)
    const mark = `${basename(file)}${suffix}`
    for (const name of await readdir(folder))
      if (name.startsWith(mark) && !isAlive(Number(name.slice(mark.length)))) await unlink(join(folder, name))
  } catch {
    // They cost a few kilobytes, and nothing reads them.
  }
}

const suffix = '.pgroute66-'

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A fact about the file that keeps the guard from writing it. */
class Refusal extends Error {
  readonly next: string

  constructor(message: string, next: string) {
    super(message)
    this.next = next
  }
}

/** The file behind the path, which may be a symlink, and its bytes. */
async function readHba(path: string): Promise<Readonly<{file: string; bytes: Buffer}>> {
  const file = await realpath(path)
  const found = await lstat(file)
  if (!found.isFile()) throw new Refusal('is not a plain file', 'Name the pg_hba.conf of this server.')
  // A new file would leave the other names with the old rules.
  if (found.nlink > 1)
    throw new Refusal(`has ${found.nlink} names (hard links)`, 'Give the server a file of its own: cp, then mv.')
  return {file, bytes: await readPlainFile(file)}
}

async function replaceBytes(file: string, bytes: Buffer): Promise<void> {
  const temporary = `${file}${suffix}${process.pid}`
  await unlink(temporary).catch(() => {})
  const {O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR} = constants
  await using made = await open(temporary, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0o600)
  try {
    await copyAttributes(file, made)
    await made.truncate(0)
    await writeAt(made, bytes, 0)
    await made.sync()
    await rename(temporary, file)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  await using folder = await open(dirname(file), 'r')
  await folder.sync()
}

async function overwrite(file: string, bytes: Buffer, start: number): Promise<void> {
  await using there = await open(file, constants.O_RDWR | constants.O_NOFOLLOW)
  await writeAt(there, bytes, start)
  await there.sync()
}

async function writeAt(file: FileHandle, bytes: Buffer, start: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const {bytesWritten} = await file.write(bytes, done, bytes.length - done, start + done)
    done += bytesWritten
  }
}

/**
 * Owner, mode, access lists and SELinux's label, by GNU cp: Node.js cannot read extended attributes.
 * What cp could not keep is looked at afterwards.
 */
async function copyAttributes(file: string, made: FileHandle): Promise<void> {
  const before = await stat(file)
  try {
    const env = {PATH: process.env.PATH || '/usr/bin:/bin', LC_ALL: 'C'}
    // By the open file, not by its name: root denies, too, and the owner of the folder may swap the name.
    const target = `/proc/${process.pid}/fd/${made.fd}`
    await promisify(execFile)('cp', ['--preserve=all', '--', file, target], {timeout: copyMs, env})
  } catch (error) {
    const full = /No space left|Disk quota exceeded/.test(String((error as {stderr?: string}).stderr))
    if (full) throw Object.assign(new Error('cp found no room'), {code: 'ENOSPC'})
    if (await mayHaveAttributes(file))
      throw new Refusal(
        'has extended attributes, and "cp --preserve=all" cannot keep them here',
        'Install GNU coreutils.',
      )
    await made.chown(before.uid, before.gid)
    await made.chmod(before.mode & 0o7777)
  }
  const after = await made.stat()
  if (after.uid !== before.uid || after.gid !== before.gid)
    throw new Refusal(
      `belongs to ${before.uid}:${before.gid}, which this user (${after.uid}:${after.gid}) cannot give to a new file`,
      'Run the guard as the owner of the file, and as a member of its group.',
    )
  if ((after.mode & 0o7777) !== (before.mode & 0o7777)) await made.chmod(before.mode & 0o7777)
}

const copyMs = 5_000

/** Without getfattr, a label of SELinux is what such a file has. */
async function mayHaveAttributes(file: string): Promise<boolean> {
  try {
    const {stdout} = await promisify(execFile)('getfattr', ['-d', '-m', '-', '--', file], {timeout: copyMs})
    return stdout.trim() !== ''
  } catch {
    return await stat('/sys/fs/selinux/enforce').then(
      () => true,
      () => false,
    )
  }
}

const isFull = (error: unknown) => ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')

const failed = (why: string, next: string): Written => ({kind: 'failed', why, next})

function failureOf(error: unknown): Written {
  if (error instanceof Refusal) return failed(error.message, error.next)
  const {code = 'unknown error'} = error as NodeJS.ErrnoException
  const why: Readonly<Record<string, readonly [string, string]>> = {
    ENOENT: ['does not exist', 'Set guard.hba_file to the file that "SHOW hba_file" names.'],
    EACCES: ['cannot be replaced (EACCES)', 'Give this user the right to write to the folder of the file.'],
    EPERM: ['cannot be replaced (EPERM)', 'Run the guard as the owner of the file.'],
    EROFS: ['is on a file system that is read-only (EROFS)', 'Make the file system writable.'],
    ENOSPC: ['cannot be written: the disk is full (ENOSPC)', 'Free space on this file system.'],
    EDQUOT: ['cannot be written: the quota is used up (EDQUOT)', 'Raise the quota.'],
  }
  const [text, next] = why[code] ?? [`cannot be written (${code})`, 'Look at the file and its folder.']
  return failed(text, next)
}
