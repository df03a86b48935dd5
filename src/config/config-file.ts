import {constants} from 'node:fs'
import {resolve} from 'node:path'
import type {ErrorCode} from '../core/error-codes.ts'
import {OperatorError} from '../core/errors.ts'
import {close, fstat, open, read} from '../system/files.ts'
import {foreignWriter} from '../system/foreign-writer.ts'
import {type Environment, variable} from './libpq/environment.ts'

/** The file of a thousand hosts has a few hundred kilobytes. */
const largestBytes = 4 * 1024 * 1024

const pipeMs = 5_000
const stepMs = 20

export type ConfigFile = Readonly<{path: string; text: string; mode: number}>

const inWorkingFolder = 'pgroute66.yml'
const usualPlaces = [inWorkingFolder, '/etc/pgroute66/config.yaml']

/**
 * The configuration file: `-c`, `$PGROUTE66CONFIG`, then the usual places. `null`: no file is named,
 * and none is in the usual places. Throws OperatorError.
 */
export async function findConfigFile(path: string | null, env: Environment, cwd: string): Promise<ConfigFile | null> {
  const named = path ?? variable(env, 'PGROUTE66CONFIG')
  if (named !== null) return readConfigFile(resolve(cwd, named))
  for (const place of usualPlaces) {
    if (place === inWorkingFolder) refuseForeign(resolve(cwd, place))
    try {
      return await readConfigFile(resolve(cwd, place))
    } catch (error) {
      if (!(error instanceof OperatorError && error.code === 'CONFIG_NOT_FOUND')) throw error
    }
  }
  return null
}

/**
 * The user names no file here, so a stranger's file in the working folder must not be taken: it could
 * send the contents of files that this user may read to a server of the stranger.
 */
function refuseForeign(path: string): void {
  const fault = foreignWriter(path)
  if (fault !== null)
    throw refusal(
      'CONFIG_FOREIGN',
      path,
      `may have been written by another user: ${fault}`,
      `Read it, and if it is yours, name it with "-c ${path}". ` +
        'Or let only this user and root write to the file and its folder.',
    )
}

/**
 * Is there no file, or none that this user may read? A user that asks the daemon needs no right to
 * read the file, which holds passwords.
 */
export const isWithoutFile = (error: unknown): error is OperatorError =>
  error instanceof OperatorError && (error.code === 'CONFIG_NOT_FOUND' || error.code === 'CONFIG_UNREADABLE')

/** Throws OperatorError. `path`: absolute. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  let file: number | null = null
  try {
    // Not blocking: a pipe without a writer would keep this process for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = await fstat(file)
    if (stat.isDirectory()) throw refusal('CONFIG_NOT_A_FILE', path, 'is a directory', 'Name the file in it.')
    const reading = stat.isFile() ? readAtMost(file, path) : readPipe(file, path)
    return {path, text: decode(await reading, path), mode: stat.mode & 0o777}
  } catch (error) {
    if (error instanceof OperatorError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw refusal(
        'CONFIG_NOT_FOUND',
        path,
        'does not exist',
        'Name another file with -c, or make one with "pgroute66 init".',
        error,
      )
    }
    throw refusal('CONFIG_UNREADABLE', path, `cannot be read (${code})`, 'Give this user the right to read it.', error)
  } finally {
    if (file !== null) await close(file)
  }
}

/** Counts what is read: the `stat.size` of a pipe or a device is 0. */
async function readAtMost(file: number, path: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let total = 0; ; ) {
    const {bytesRead, buffer} = await read(file, Buffer.alloc(64 * 1024), 0, 64 * 1024, null)
    if (bytesRead === 0) return Buffer.concat(chunks)
    total += bytesRead
    if (total > largestBytes)
      throw refusal('CONFIG_TOO_LARGE', path, 'is larger than 4 MB', 'Name the right file with -c.')
    chunks.push(buffer.subarray(0, bytesRead))
  }
}

/**
 * What the writer of a pipe writes, as in `-c <(command)`. Without a writer, a read ends at once with
 * nothing; with a slow one, with EAGAIN.
 */
async function readPipe(file: number, path: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let total = 0
  for (let idleMs = 0; idleMs <= pipeMs; ) {
    const {bytesRead, buffer} = await read(file, Buffer.alloc(64 * 1024), 0, 64 * 1024, null).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EAGAIN') throw error
        return {bytesRead: -1, buffer: Buffer.alloc(0)}
      },
    )
    if (bytesRead === 0 && total > 0) return Buffer.concat(chunks)
    if (bytesRead > 0) {
      total += bytesRead
      if (total > largestBytes)
        throw refusal('CONFIG_TOO_LARGE', path, 'is larger than 4 MB', 'Name the right file with -c.')
      chunks.push(buffer.subarray(0, bytesRead))
      idleMs = 0
    } else {
      await new Promise((resolve) => setTimeout(resolve, stepMs))
      idleMs += stepMs
    }
  }
  const message = 'is a pipe or a device, and nothing was written to it for five seconds'
  throw refusal('CONFIG_UNREADABLE', path, message, 'Start and end the writer of the pipe, or name a file.')
}

function decode(bytes: Buffer, path: string): string {
  try {
    const text = new TextDecoder('utf-8', {fatal: true}).decode(bytes)
    if (!text.includes('\0')) return text
  } catch {
    // Reported below; the decoder's own message adds nothing.
  }
  throw refusal('CONFIG_NOT_TEXT', path, 'is not UTF-8 text', 'Save it as UTF-8, or name the right file.')
}

const refusal = (code: ErrorCode, path: string, message: string, next: string, cause?: unknown) =>
  new OperatorError(code, `${path} ${message}`, next, {cause})
