/** `npm run release`: all that is published, in dist/release - the package, the executable where it was built, what they are made of, checksums. */
import {execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {sbomOf} from './sbom.ts'

const root = join(import.meta.dirname, '..')
const [dist, release, executable] = [join(root, 'dist'), join(root, 'dist', 'release'), join(root, 'dist', 'exe', 'pgroute66')]
const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const npm = (...args: string[]) => execFileSync('npm', args, {cwd: root, stdio: ['ignore', 'ignore', 'inherit']})

if (existsSync(executable) && statSync(executable).mtimeMs < newest(join(root, 'src'))) {
  process.stderr.write('dist/exe/pgroute66 is older than src: run "npm run build:exe", or remove it\n')
  process.exit(2)
}
// What is no longer in src would be packed.
mkdirSync(dist, {recursive: true})
for (const name of readdirSync(dist)) if (name !== 'exe') rmSync(join(dist, name), {recursive: true})
mkdirSync(release)
npm('run', 'build')
npm('pack', '--ignore-scripts', '--pack-destination', release)
if (existsSync(executable)) copyFileSync(executable, join(release, `pgroute66-${version}-${process.platform}-${process.arch}`))
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

function newest(folder: string): number {
  const files = readdirSync(folder, {recursive: true, withFileTypes: true}).filter((entry) => entry.isFile())
  return Math.max(...files.map(({parentPath, name}) => statSync(join(parentPath, name)).mtimeMs))
}
