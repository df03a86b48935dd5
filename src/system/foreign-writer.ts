import {statSync} from 'node:fs'
import {dirname} from 'node:path'

/**
 * How a user other than root and the user of this process could have written this file: the file or
 * its folder belongs to such a user, or its mode lets others write. `null`: none could, or there is
 * no file. The text names the path, the owner and the mode. Windows has neither owners nor modes.
 */
export function foreignWriter(path: string): string | null {
  const uid = process.getuid?.()
  if (uid === undefined) return null
  for (const place of [path, dirname(path)]) {
    const found = statSync(place, {throwIfNoEntry: false})
    if (found === undefined) return null
    const mode = (found.mode & 0o7777).toString(8).padStart(4, '0')
    const isOurs = found.uid === uid || found.uid === 0
    if (!isOurs || (found.mode & 0o022) !== 0) return `${place} has the owner uid ${found.uid} and the mode ${mode}`
  }
  return null
}
