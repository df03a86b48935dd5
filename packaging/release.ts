/**
 * `npm run release`: collects everything to publish in dist/release: the npm packages, the builds of
 * other commands, the SBOM and the checksums.
 */
import {execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {basename, join} from 'node:path'
import {connectorPackage} from './connector.ts'
import {sbomOf} from './sbom.ts'

const root = join(import.meta.dirname, '..')
const [dist, release, executable] = [
  join(root, 'dist'),
  join(root, 'dist', 'release'),
  join(root, 'dist', 'exe', 'pgroute66'),
]
const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const npm = (...args: string[]) => execFileSync('npm', args, {cwd: root, stdio: ['ignore', 'ignore', 'inherit']})
const filesIn = (folder: string) =>
  readdirSync(folder, {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile())
    .map(({parentPath, name}) => join(parentPath, name))

rmSync(release, {recursive: true, force: true})
mkdirSync(release, {recursive: true})
/** Other commands have built these before: the executable and the packages of Debian and RPM. */
const built = new Map<string, string>(
  filesIn(dist).flatMap((path) => (/\.(deb|rpm)$/.test(path) ? [[path, basename(path)]] : [])),
)
if (existsSync(executable)) built.set(executable, `pgroute66-${version}-${process.platform}-${process.arch}`)

const newest = Math.max(...filesIn(join(root, 'src')).map((path) => statSync(path).mtimeMs))
const outdated = [...built.keys()].filter((path) => statSync(path).mtimeMs < newest)
if (outdated.length > 0) {
  process.stderr.write(`${outdated.join(', ')} is older than src. Build it again, or remove it.\n`)
  process.exit(2)
}
// Files of dist that src no longer has would be packed.
for (const path of filesIn(dist)) if (/\.(js|d\.ts)$/.test(path)) rmSync(path)
npm('run', 'build')
npm('pack', '--ignore-scripts', '--pack-destination', release)
const connector = join(dist, 'connector-package')
await connectorPackage(connector)
npm('pack', connector, '--ignore-scripts', '--pack-destination', release)
rmSync(connector, {recursive: true})
for (const [path, name] of built) copyFileSync(path, join(release, name))
writeFileSync(join(release, `pgroute66-${version}.cdx.json`), sbomOf(root))

const sums = readdirSync(release)
  .sort()
  .map(
    (name) =>
      `${createHash('sha256')
        .update(readFileSync(join(release, name)))
        .digest('hex')}  ${name}\n`,
  )
writeFileSync(join(release, 'SHA256SUMS'), sums.join(''))
process.stdout.write(`${release}\n${sums.join('')}`)
