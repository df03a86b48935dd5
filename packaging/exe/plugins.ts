import {readFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import type {Plugin} from 'esbuild'

export const repository = join(import.meta.dirname, '..', '..')

/**
 * What takes the place of modules that look for their neighbours on a disk, or that start slowly.
 */
const standIns: Readonly<Record<string, string>> = {
  'src/app/main/commands.ts': 'packaging/exe/commands.ts',
  'src/app/cli/version.ts': 'packaging/exe/version.ts',
  'src/commands/demo.ts': 'packaging/exe/demo.ts',
  'node_modules/pg/lib/crypto/utils.js': 'packaging/exe/scram.ts',
}

/** Fails when one of them is not asked for any more: then something else does its work. */
export const standingIn: Plugin = {
  name: 'stand-ins',
  setup(build) {
    const unused = new Set(Object.keys(standIns))
    for (const [path, other] of Object.entries(standIns)) {
      build.onLoad({filter: new RegExp(`${path.replaceAll('.', '\\.')}$`)}, async () => {
        unused.delete(path)
        const file = join(repository, other)
        return {contents: await readFile(file, 'utf8'), loader: 'ts', resolveDir: dirname(file)}
      })
    }
    build.onEnd(() =>
      unused.size === 0 ? {} : {errors: [{text: `nothing imports ${[...unused].join(', ')} any more`}]},
    )
  },
}

/**
 * Ink awaits twice at the top level, which a script cannot: its tools for developers, which are
 * left out, and Yoga, its layout, which is WebAssembly in a text. Compiled and started at once that
 * need not be waited for. Fails when the texts that are replaced have changed.
 */
export const inkAtOnce: Plugin = {
  name: 'ink-at-once',
  setup(build) {
    build.onLoad({filter: /ink\/build\/reconciler\.js$/}, async ({path}) => ({
      contents: replaced(await readFile(path, 'utf8'), [["process.env['DEV'] === 'true'", 'false']]),
      loader: 'js',
    }))
    build.onLoad({filter: /yoga-layout\/dist\/src\/index\.js$/}, async ({path}) => ({
      contents: replaced(await readFile(path, 'utf8'), [
        ['import loadYoga from', 'import loadYoga, {wasm} from'],
        [
          'wrapAssembly(await loadYoga())',
          `(() => {
            const library = {instantiateWasm(imports, done) {
              const instance = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(wasm, 'base64')), imports)
              done(instance)
              return instance.exports
            }}
            loadYoga(library)
            if (!library.Node) throw new Error('yoga did not start at once')
            return wrapAssembly(library)
          })()`,
        ],
      ]),
      loader: 'js',
    }))
    build.onLoad({filter: /yoga-layout\/dist\/binaries\/yoga-wasm-base64-esm\.js$/}, async ({path}) => {
      const text = await readFile(path, 'utf8')
      const [whole = '?', base64] = /"data:application\/octet-stream;base64,([A-Za-z0-9+/=]+)"/.exec(text) ?? []
      return {
        contents: `${replaced(text, [
          [whole, '""'],
          ['import.meta.url', '""'],
        ])}\nexport const wasm = "${base64}"`,
        loader: 'js',
      }
    })
  },
}

/**
 * pg resolves names for its native sibling alone, which is not here; node:dns reads the machine's
 * resolvers as soon as it is loaded.
 */
export const pgWithoutNames: Plugin = {
  name: 'pg-without-names',
  setup(build) {
    build.onLoad({filter: /pg\/lib\/connection-parameters\.js$/}, async ({path}) => ({
      contents: replaced(await readFile(path, 'utf8'), [["const dns = require('dns')", 'const dns = {}']]),
      loader: 'js',
    }))
  },
}

function replaced(text: string, pairs: readonly (readonly [string, string])[]): string {
  for (const [from, to] of pairs) {
    if (!text.includes(from)) throw new Error(`it does not say any more: ${from.slice(0, 60)}`)
    text = text.replaceAll(from, () => to)
  }
  return text
}
