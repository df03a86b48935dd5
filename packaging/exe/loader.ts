/** A module of the bundle, as a function: what node wraps around a CommonJS file. */
export type Body = (
  exports: object,
  require: (name: string) => unknown,
  module: {exports: object},
  filename: string,
  dirname: string,
) => void

/**
 * `require` for a bundle that esbuild has split into chunks, one for each `import()` and one for what several share, each of which is loaded when
 * somebody asks for it and not before. A name that begins with `./` is a chunk, every other one is node's own module.
 */
export function chunkRequire(bodyOf: (name: string) => Body): (name: string) => unknown {
  const loaded = new Map<string, {exports: object}>()
  return function require(name) {
    if (!name.startsWith('./')) return builtin(name)
    const known = loaded.get(name)
    if (known) return known.exports
    const module = {exports: {}}
    // Before its body runs, because chunks may need each other.
    loaded.set(name, module)
    bodyOf(name)(module.exports, require, module, `/pgroute66/${name.slice(2)}`, '/pgroute66')
    return module.exports
  }
}

/** Packages that are optional to those who ask for them (pg-native, a TypeScript compiler) are not in the bundle: they hear what node would tell. */
function builtin(name: string): unknown {
  const found = process.getBuiltinModule(name)
  if (found) return found
  throw Object.assign(new Error(`Cannot find module '${name}'`), {code: 'MODULE_NOT_FOUND'})
}
