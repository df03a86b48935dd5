/**
 * `npm run build:exe`: one executable with all commands but demo, in dist/exe/pgroute66. Node's own
 * is in it, so it runs where there is none.
 */
import {execFileSync, spawnSync} from 'node:child_process'
import {copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {tmpdir} from 'node:os'
import {dirname, join, resolve} from 'node:path'
import {makeCertificates} from '../../test/support/certificates.ts'
import {startFakes} from '../../test/support/fake-postgres.ts'
import {bundle} from './bundle.ts'
import {repository} from './plugins.ts'

const output = resolve(process.argv[2] ?? join(repository, 'dist', 'exe', 'pgroute66'))
const require = createRequire(import.meta.url)
/** The one of the package "node", whatever runs this. */
const node = join(dirname(require.resolve('node/package.json')), 'bin', 'node')

/**
 * A check is over before a young generation of this size is full; with V8's own it is collected
 * three times, 2 ms each.
 */
const youngGeneration = '--min-semi-space-size=16'
/**
 * For whatever makes a cache: the flags that it is going to be used with, and a seed, which is not
 * among those, so that it is the same every time.
 */
const flags = [youngGeneration, '--random-seed=66']

for (const [program = '', debian] of [
  ['strip', 'binutils'],
  ['openssl', 'openssl'],
])
  if (spawnSync(program, ['version']).error)
    throw new Error(`the executable is built with ${program}, which is not here (Debian package ${debian})`)

const folder = mkdtempSync(join(tmpdir(), 'pgroute66-exe-'))
process.on('exit', () => rmSync(folder, {recursive: true, force: true}))
const scriptFolder = join(folder, 'scripts')
mkdirSync(scriptFolder)

const stripped = join(folder, 'node')
execFileSync('strip', ['-o', stripped, node])
const {main, scripts, index} = await bundle()
writeFileSync(join(folder, 'main.cjs'), main)
writeFileSync(join(scriptFolder, 'index.json'), JSON.stringify(index))
for (const [name, text] of Object.entries(scripts)) writeFileSync(join(scriptFolder, name), text)
await warmUp()

const assets = Object.keys(scripts).flatMap((name) => [name, `${name}.cache`])
const settings = {
  main: 'main.cjs',
  output: 'pgroute66',
  executable: stripped,
  disableExperimentalSEAWarning: true,
  useCodeCache: true,
  // NODE_OPTIONS in the caller's environment is meant for another program.
  execArgvExtension: 'none',
  // Of V8's threads one is enough: a check waits for each to start and to end. And node would read
  // its own 150 authorities in a thread as soon as TLS is loaded, which takes half of one core from
  // a check (commands.ts).
  execArgv: [youngGeneration, '--v8-pool-size=1', '--use-openssl-ca'],
  assets: Object.fromEntries(assets.map((name) => [name, join('scripts', name)])),
}
writeFileSync(join(folder, 'sea.json'), JSON.stringify(settings))
// Relative names and a folder to start in: paths would be in the executable.
execFileSync(stripped, [...flags, '--build-sea', 'sea.json'], {cwd: folder, stdio: ['ignore', 'ignore', 'inherit']})
mkdirSync(dirname(output), {recursive: true})
// One that runs keeps its file.
rmSync(output, {force: true})
copyFileSync(join(folder, 'pgroute66'), output)

const version = execFileSync(output, ['--version'], {encoding: 'utf8', env: {}}).trim()
process.stdout.write(`${output}: ${(statSync(output).size / 1e6).toFixed(1)} MB, ${version}\n`)

/**
 * The first run that loads a script says what is compiled in its cache: a check comes first,
 * because it is the one that is in a hurry.
 */
async function warmUp(): Promise<void> {
  makeCertificates(folder)
  // One order of the answers in every build: what is compiled depends on it.
  const servers = await startFakes(3, folder, true)
  const config = join(folder, 'config.yml')
  const hosts = servers.ports.map(
    (port, index) =>
      `  host${index + 1}: {host: 127.0.0.1, port: ${port}, user: pgroute66, password: pgroute66, sslmode: verify-full, sslrootcert: ca.crt}`,
  )
  // On a busy machine nothing is given up, and nothing is asked twice.
  const patience = 'probe: {interval: 60s, timeout: 60s, connect_timeout: 60s, max_age: 120s}'
  writeFileSync(config, `password_encoding: plain\n${patience}\nhosts:\n${hosts.join('\n')}\n`, {mode: 0o600})
  for (const command of ['check --direct --timeout 60s', '--help', 'config show', 'watch --once', '']) {
    const args = command === '' ? [] : command === '--help' ? [command] : [...command.split(' '), '-c', config]
    const {status, stderr} = spawnSync(
      stripped,
      [...flags, join(import.meta.dirname, 'warm-up.ts'), scriptFolder, ...args],
      {
        env: {},
        encoding: 'utf8',
      },
    )
    if (status !== 0) throw new Error(`the warm-up by "${command}" ended with ${status}: ${stderr}`)
  }
  servers.stop()
}
