import {Buffer} from 'node:buffer'
import {getRawAsset} from 'node:sea'
import {Script} from 'node:vm'
import {type Body, chunkRequire} from './loader.ts'

/**
 * The executable's first lines. `inlined`: the chunks that every start needs; the others are assets, each with the code that V8 made of it. A cache
 * that this V8 refuses costs time and nothing else; PGROUTE66_DEBUG tells.
 */
export function start(inlined: Readonly<Record<string, Body>>, main: string): void {
  const require = chunkRequire((name) => inlined[name] ?? stored(name))
  require(main)
}

function stored(name: string): Body {
  const source = Buffer.from(getRawAsset(name)).toString('utf8')
  const script = new Script(source, {filename: name, cachedData: new Uint8Array(getRawAsset(`${name}.cache`))})
  if (script.cachedDataRejected && process.env.PGROUTE66_DEBUG) process.stderr.write(`pgroute66: the code cache of ${name} is refused\n`)
  return script.runInThisContext()
}
