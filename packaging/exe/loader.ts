/** A module of the bundle, as a function: what node wraps around a CommonJS file. */
export type Body = (
  exports: object,
  require: (name: string) => unknown,
  module: {exports: object},
  filename: string,
  dirname: string,
) => void

export type Chunks = Readonly<Record<string, Body>>

/**
 * `require` for a bundle that esbuild has split into chunks, one for each `import()` and one for
 * what several share. A chunk runs when a module first asks for it, and not before. `index` says
 * which script has it. A name that begins with `./` is a chunk, every other one is node's own
 * module.
 */
export function chunkRequire(
  index: Readonly<Record<string, string>>,
  scriptOf: (name: string) => Chunks,
  inlined: Chunks = {},
): (name: string) => unknown {
  const scripts = new Map<string, Chunks>()
  const loaded = new Map<string, {exports: object}>()
  const bodyOf = (chunk: string): Body => {
    const name = index[chunk] ?? chunk
    const script = scripts.get(name) ?? scriptOf(name)
    scripts.set(name, script)
    const body = script[chunk]
    if (body) return body
    throw new Error(`the executable has no ${chunk}`)
  }
  return function require(name) {
    if (!name.startsWith('./')) return builtin(name)
    const known = loaded.get(name)
    if (known) return known.exports
    const module = {exports: {}}
    // Before its body runs, because chunks may need each other.
    loaded.set(name, module)
    const body = inlined[name] ?? bodyOf(name)
    body(module.exports, require, module, `/pgroute66/${name.slice(2)}`, '/pgroute66')
    return module.exports
  }
}

/**
 * Packages that are optional to those who ask for them (pg-native, a TypeScript compiler) are not
 * in the bundle: they hear what node would tell.
 */
function builtin(name: string): unknown {
  const found = process.getBuiltinModule(name)
  if (found) return found
  throw Object.assign(new Error(`Cannot find module '${name}'`), {code: 'MODULE_NOT_FOUND'})
}
