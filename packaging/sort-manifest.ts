/**
 * Sorts the commands of the manifest: oclif writes them in the order in which the disk lists their
 * files, which differs in each clone.
 */
import {readFileSync, writeFileSync} from 'node:fs'

const path = new URL('../oclif.manifest.json', import.meta.url)
const manifest = JSON.parse(readFileSync(path, 'utf8')) as {commands: Record<string, unknown>}
const commands = Object.fromEntries(Object.entries(manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(path, JSON.stringify({...manifest, commands}, null, 2))
