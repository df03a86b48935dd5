import {relative} from 'node:path'
import {build, transform} from 'esbuild'
import {inkAtOnce, pgWithoutNames, repository, standingIn} from './plugins.ts'

export type Bundle = Readonly<{
  /** The script that node starts, with the chunks in it that every start needs. */
  main: string
  /** The other scripts, by name: each is a table of chunks (`Chunks`), by name too. */
  scripts: Readonly<Record<string, string>>
  /** Which script a chunk is in. */
  index: Readonly<Record<string, string>>
  /** Folders of the npm packages that are in it, below the repository. */
  packages: readonly string[]
}>

const common = {
  platform: 'node',
  target: 'node26',
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'silent',
} as const
const entry = './main.js'
/** Chunks that every start needs, by what they begin with. They are small. */
const always = ['packaging/exe/main.ts', 'src/app/cli/version.ts']
/**
 * A check that asks the servers needs all of these; in one script they load in half of the time.
 */
const together = ['src/app/check/check.ts', 'src/system/exit.ts', 'src/config/load.ts', 'node_modules/js-yaml/']

/** The whole program, without demo, in scripts of CommonJS: V8 keeps the code of no others. */
export async function bundle(): Promise<Bundle> {
  const {outputFiles, metafile, warnings} = await build({
    ...common,
    absWorkingDir: repository,
    entryPoints: {main: 'packaging/exe/main.ts'},
    outdir: 'out',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    write: false,
    metafile: true,
    jsx: 'automatic',
    define: {'process.env.NODE_ENV': '"production"'},
    // The entry sets what is already known here.
    logOverride: {'assign-to-define': 'silent'},
    // Asked for by packages that go on without them.
    external: ['pg-native', 'typescript', 'ts-node', 'tsx', 'tsx/*', 'pnpapi'],
    plugins: [standingIn, inkAtOnce, pgWithoutNames],
  })
  if (warnings.length > 0) throw new Error(warnings.map(({text, location}) => `${location?.file}: ${text}`).join('\n'))

  const bodies: Record<string, string> = {}
  for (const {path, text} of outputFiles) {
    const {entryPoint = ''} = metafile.outputs[relative(repository, path)] ?? {}
    bodies[nameOf(path)] = await bodyOf(text, metafile.inputs[entryPoint]?.format === 'cjs')
  }
  const startingAt = (entries: readonly string[]) =>
    reachable(
      metafile.outputs,
      entries.flatMap((entry) => {
        const found = Object.keys(metafile.outputs).filter((path) =>
          metafile.outputs[path]?.entryPoint?.startsWith(entry),
        )
        // A file that has moved would silently make every start slower.
        if (found.length === 0) throw new Error(`no chunk begins with ${entry}: has the file moved?`)
        return found
      }),
    )
  const inlined = startingAt(always)
  const check = startingAt(together).filter((name) => !inlined.includes(name))
  const index = Object.fromEntries(Object.keys(bodies).map((name) => [name, check.includes(name) ? 'check' : name]))
  const tableOf = (names: readonly string[]) =>
    `({${names.map((name) => `${JSON.stringify(name)}:${bodies[name]}`).join(',\n')}})`
  const scripts = new Set(Object.values(index))
  const stdin = `import {start} from './start.ts'\nstart(${tableOf(inlined)}, ${JSON.stringify(index)}, ${JSON.stringify(entry)})`
  const main = await build({
    ...common,
    stdin: {contents: stdin, resolveDir: import.meta.dirname},
    bundle: true,
    format: 'cjs',
    write: false,
  })
  return {
    main: main.outputFiles[0]?.text ?? '',
    scripts: Object.fromEntries(
      [...scripts].map((script) => [script, tableOf(Object.keys(index).filter((name) => index[name] === script))]),
    ),
    index,
    packages: packagesOf(Object.keys(metafile.inputs)),
  }
}

/** `node_modules/a/node_modules/@b/c` for each file of it. */
function packagesOf(files: readonly string[]): readonly string[] {
  const folders = files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? [])
  return [...new Set(folders)].sort()
}

/**
 * CommonJS, where `import()` is a `require` that is put off. Of a package that was CommonJS all
 * along esbuild exports `default` alone: the names are in there, and node would find them.
 */
async function bodyOf(text: string, wasCommon: boolean): Promise<string> {
  const {code} = await transform(text, {...common, format: 'cjs', supported: {'dynamic-import': false}})
  return `(function(exports,require,module,__filename,__dirname){${ascii(bare(code))}${wasCommon ? ';module.exports=module.exports.default' : ''}})`
}

/**
 * esbuild copies the exports of everything for the sake of a mark or a default export, which takes
 * a check a millisecond, and loads what node keeps behind getters. Here chunks are marked, and
 * node's own modules used, as they are.
 */
const bare = (code: string): string =>
  code
    .replace(/\bmodule\.exports=__toCommonJS\((\w+)\)/, 'module.exports=__defProp($1,"__esModule",{value:!0})')
    .replaceAll(/\b(\w+)=__toESM\((require\("node:[a-z/]+"\))(?:,1)?\)/g, (whole, name, required) =>
      new RegExp(`\\b${name}\\.default\\b`).test(code) ? whole : `${name}=${required}`,
    )

/**
 * esbuild leaves comments and regular expressions as they are. Text of one byte for a character is
 * read at once, and its code cache fits.
 */
const ascii = (code: string): string =>
  code.replaceAll(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

type Outputs = Readonly<Record<string, {imports: readonly {path: string; kind: string; external?: boolean}[]}>>

/** The chunks that these cannot do without, and they themselves. */
function reachable(outputs: Outputs, paths: readonly string[]): readonly string[] {
  const found = new Set<string>()
  const follow = (path: string) => {
    if (found.has(path)) return
    found.add(path)
    for (const {path: next, kind, external} of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && !external) follow(next)
  }
  paths.forEach(follow)
  return [...found].map(nameOf)
}

const nameOf = (path: string): string => `./${path.slice(path.lastIndexOf('/') + 1)}`
