import {chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import type {Entry} from './contents.ts'

/** A new folder with these files, which only root may change once they are installed. It goes with the process. */
export function treeOf(entries: readonly Entry[]): string {
  const tree = mkdtempSync(join(tmpdir(), 'pgroute66-package-'))
  process.on('exit', () => rmSync(tree, {recursive: true, force: true}))
  chmodSync(tree, 0o755)
  for (const entry of entries) put(tree, entry)
  return tree
}

export function put(tree: string, entry: Entry, mode = 0o644): void {
  const path = join(tree, entry.path)
  for (let folder = dirname(entry.path); folder !== '.'; folder = dirname(folder)) {
    mkdirSync(join(tree, folder), {recursive: true})
    chmodSync(join(tree, folder), 0o755)
  }
  if ('link' in entry) symlinkSync(entry.link, path)
  else if ('file' in entry) {
    cpSync(entry.file, path)
    chmodSync(path, entry.mode)
  } else {
    writeFileSync(path, entry.content)
    chmodSync(path, mode)
  }
}
