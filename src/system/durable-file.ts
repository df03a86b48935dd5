import {dirname} from 'node:path'
import {readFile} from './files.ts'

/** The text of a file; `null`: it is not there. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/**
 * Replaces a file so that a reader sees the old text or the new one, also after a power cut: a
 * temporary file beside it, synced, renamed, and the folder synced, because the name is kept there
 * (fsync(2), "Calling fsync() does not necessarily ensure …"). Readable by all: it holds no secret,
 * and a check that runs as HAProxy's user judges by it.
 */
export async function replaceText(path: string, text: string): Promise<void> {
  const {mkdir, open, rename, unlink} = await import('node:fs/promises')
  const folder = dirname(path)
  await mkdir(folder, {recursive: true, mode: 0o755})
  // One process saves one thing at a time; two processes have two names.
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const file = await open(temporary, 'w', 0o644)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  const directory = await open(folder, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
