/**
 * `node warm-up.ts FOLDER ARGUMENT…`: runs the program from the scripts in FOLDER, and puts beside
 * each what V8 has compiled of it - also the functions that were called, which is what makes the
 * next start quick. A cache that is there already stays.
 */
import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setFlagsFromString} from 'node:v8'
import {Script} from 'node:vm'
import {chunkRequire} from './loader.ts'

const [folder = '', ...args] = process.argv.slice(2)
const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Readonly<Record<string, string>>
const scripts = new Map<string, Script>()
/**
 * Nothing is forgotten for its age, and nothing is worth more than to be interpreted: both would be
 * matters of time, and in the cache.
 */
const timeless = ['--no-flush-bytecode', '--invocation-count-for-feedback-allocation=10000']
/** V8's own. */
const asInUse = ['--flush-bytecode', '--invocation-count-for-feedback-allocation=8']
const cacheOf = (name: string) => join(folder, `${name}.cache`)
const compile = (name: string, cachedData?: Buffer): Script => {
  const script = new Script(readFileSync(join(folder, name), 'utf8'), {filename: name, ...(cachedData && {cachedData})})
  if (script.cachedDataRejected) throw new Error(`the code cache of ${name} is refused`)
  scripts.set(name, script)
  return script
}

if (args.length === 0) {
  // Made once more from what the runs have left, where nothing runs: V8 numbers functions in the
  // order in which they come, and networks have none.
  for (const name of new Set(Object.values(index))) {
    const kept = existsSync(cacheOf(name)) ? readFileSync(cacheOf(name)) : undefined
    writeFileSync(cacheOf(name), compile(name, kept).createCachedData())
  }
} else {
  for (const flag of timeless) setFlagsFromString(flag)
  // What kinds of values have been compared is in the cache too: the clocks stand still.
  process.hrtime = Object.assign((): [number, number] => [66, 0], {bigint: () => 66_000_000_000n})
  performance.now = () => 66_000
  Date.now = () => 1_666_666_666_666
  process.on('exit', () => {
    // As in the process that uses the cache; with other settings V8 refuses it.
    for (const flag of asInUse) setFlagsFromString(flag)
    for (const [name, script] of scripts)
      if (!existsSync(cacheOf(name))) writeFileSync(cacheOf(name), script.createCachedData())
  })
  process.argv = [process.execPath, 'pgroute66', ...args]
  chunkRequire(index, (name) => compile(name).runInThisContext())('./main.js')
}
