import {constants, copyFile, lstat, mkdir, open, readdir, readlink, symlink} from 'node:fs/promises'
import {dirname, join} from 'node:path'

/** Writes the content or the names of a file or folder to the disk (fsync(2)). */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A folder and those above it, each of them on the disk. */
export async function makeFolder(path: string, mode = 0o700): Promise<void> {
  const made = await mkdir(path, {recursive: true, mode})
  if (made === undefined) return
  for (let folder = path; folder.length >= dirname(made).length; folder = dirname(folder)) await syncPath(folder)
}

/**
 * Copies a file, a link or a folder with all below it, and resolves when it is on the disk. Modes are
 * kept; a file that is there already is replaced.
 */
export async function copyDurably(from: string, to: string): Promise<void> {
  const found = await lstat(from)
  if (found.isDirectory()) {
    await mkdir(to, {recursive: true, mode: found.mode & 0o7777})
    for (const name of await readdir(from)) await copyDurably(join(from, name), join(to, name))
    await syncPath(to)
  } else if (found.isSymbolicLink()) await symlink(await readlink(from), to)
  else if (found.isFile()) {
    // A copy, never a hard link: pg_rewind writes into the files that it finds.
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    await syncPath(to)
  }
  await syncPath(dirname(to))
}

/** A text as a file, on the disk when it resolves. */
export async function writeDurably(path: string, text: string, mode = 0o600): Promise<void> {
  const file = await open(path, 'w', mode)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await syncPath(dirname(path))
}
