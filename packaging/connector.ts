/**
 * `node packaging/connector.ts [FOLDER]`: the package @pgroute66/connector, from the files that
 * `npm run build` has made. An application that takes it installs no command, no screen and no API.
 */
import {cpSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {dirname, join, relative, resolve} from 'node:path'

const root = join(import.meta.dirname, '..')
const entry = join('dist', 'connector', 'index')
/** The driver is the application's own: one copy, whose type parsers and `instanceof` count. */
const driver = {pg: '>=8.16.0 <9'}

/** Writes the package to `folder`, which it replaces. */
export async function connectorPackage(folder: string): Promise<void> {
  const {files, packages} = await modules()
  rmSync(folder, {recursive: true, force: true})
  for (const file of [...files, ...declarations(`${entry}.d.ts`), 'LICENSE']) copy(file, join(folder, file))
  const manifest = manifestOf(packages)
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  // The other pages are not in the package: a link to them becomes its text.
  const page = readFileSync(join(root, 'docs', 'connector.md'), 'utf8').replaceAll(/\[([^\]]+)\]\([^)]+\.md\)/g, '$1')
  writeFileSync(join(folder, 'README.md'), page.replaceAll(/(?<!@)pgroute66\/connector/g, manifest.name))
}

/** What the entry loads, at its start or later, and the packages of it. */
async function modules(): Promise<Readonly<{files: readonly string[]; packages: ReadonlySet<string>}>> {
  // Loaded here: a release that is refused needs no packages.
  const {build} = await import('esbuild')
  const options = {bundle: true, write: false, metafile: true, platform: 'node', format: 'esm'} as const
  const {metafile} = await build({
    ...options,
    absWorkingDir: root,
    entryPoints: [`${entry}.js`],
    packages: 'external',
    outdir: 'out',
    logLevel: 'error',
  })
  const files = Object.keys(metafile.inputs)
  const outside = Object.values(metafile.inputs)
    .flatMap(({imports}) => imports)
    .filter(({external, path}) => external === true && !path.startsWith('node:'))
  return {files, packages: new Set(outside.map(({path}) => path))}
}

/** The declarations that the one of the entry leads to. */
function declarations(from: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(from)) return found
  found.add(from)
  const text = readFileSync(join(root, from), 'utf8')
  for (const [, path = ''] of text.matchAll(/(?:from |import\()['"](\.[^'"]+)\.[jt]s['"]/g))
    declarations(relative(root, resolve(root, dirname(from), `${path}.d.ts`)), found)
  return found
}

function manifestOf(packages: ReadonlySet<string>) {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const {version, license, author, engines, dependencies, peerDependencies, peerDependenciesMeta} = own
  const needed = Object.entries(dependencies).filter(([name]) => packages.has(name) && !(name in driver))
  const unknown = [...packages].filter((name) => dependencies[name] === undefined)
  if (unknown.length > 0) throw new Error(`no dependency of package.json: ${unknown.join(', ')}`)
  return {
    name: '@pgroute66/connector',
    version,
    description: 'PostgreSQL pools for Node.js: one writer and many readers, which follow the verdict of pgroute66.',
    ...{license, author, type: 'module', engines},
    keywords: ['postgresql', 'failover', 'read-replicas', 'pool', 'pg'],
    exports: {
      '.': {types: './dist/connector/index.d.ts', default: './dist/connector/index.js'},
      './package.json': './package.json',
    },
    sideEffects: false,
    dependencies: Object.fromEntries(needed),
    peerDependencies: {...driver, ...peerDependencies},
    peerDependenciesMeta,
  }
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), {recursive: true})
  cpSync(join(root, from), to)
}

if (import.meta.main) await connectorPackage(resolve(process.argv[2] ?? join(root, 'dist', 'connector-package')))
