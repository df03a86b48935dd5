import {type Chunks, chunkRequire} from './loader.ts'

/**
 * The executable's first lines. `inlined`: the chunks that every start needs; the others are in
 * scripts among the assets, each with the code that V8 made of it. A cache that this V8 refuses
 * costs time and nothing else; PGROUTE66_DEBUG tells.
 */
export function start(inlined: Chunks, index: Readonly<Record<string, string>>, main: string): void {
  chunkRequire(index, stored, inlined)(main)
}

/** What it takes is loaded here: a check that the daemon answers needs no script but the first. */
function stored(name: string): Chunks {
  const {getRawAsset} = process.getBuiltinModule('node:sea')
  const {Script} = process.getBuiltinModule('node:vm')
  // It is ASCII (bundle.ts).
  const source = Buffer.from(getRawAsset(name)).toString('latin1')
  const script = new Script(source, {filename: name, cachedData: new Uint8Array(getRawAsset(`${name}.cache`))})
  if (script.cachedDataRejected && process.env.PGROUTE66_DEBUG)
    process.stderr.write(`pgroute66: the code cache of ${name} is refused\n`)
  return script.runInThisContext()
}
