import {dirname} from 'node:path'
import {readFile} from './files.ts'

/** The text of a file; `null`: the file does not exist. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/**
 * Replaces a file so that a reader sees the old text or the new one, also after a power cut: writes
 * a temporary file beside it, syncs and renames it, and syncs the folder, which holds the name
 * (fsync(2), "Calling fsync() does not necessarily ensure …"). The file is readable by all: it
 * contains no secret, and a check that runs as the user of HAProxy reads it.
 */
export async function replaceText(path: string, text: string): Promise<void> {
  const {mkdir, open, rename, unlink} = await import('node:fs/promises')
  const folder = dirname(path)
  await mkdir(folder, {recursive: true, mode: 0o755})
  // One process saves one text at a time, and two processes use two names.
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
