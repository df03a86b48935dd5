/**
 * `node warm-up.ts FOLDER ARGUMENT…`: runs the program from the scripts in FOLDER, and puts beside each what V8 has compiled of it - also the
 * functions that were called, which is what makes the next start quick. A cache that is there already stays.
 */
import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {Script} from 'node:vm'
import {chunkRequire} from './loader.ts'

const [folder = '', ...args] = process.argv.slice(2)
const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Readonly<Record<string, string>>
const scripts = new Map<string, Script>()
const compile = (name: string): Script => {
  const script = new Script(readFileSync(join(folder, name), 'utf8'), {filename: name})
  scripts.set(name, script)
  return script
}
const keep = () => {
  for (const [name, script] of scripts) {
    const file = join(folder, `${name}.cache`)
    if (!existsSync(file)) writeFileSync(file, script.createCachedData())
  }
}

if (args.length === 0) {
  for (const name of new Set(Object.values(index))) compile(name)
  keep()
} else {
  process.on('exit', keep)
  process.argv = [process.execPath, 'pgroute66', ...args]
  chunkRequire(index, (name) => compile(name).runInThisContext())('./main.js')
}
