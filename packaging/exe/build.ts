/**
 * `npm run build:exe [-- OUTPUT [x64 | arm64]]`: one executable with all commands but demo, in
 * dist/exe/pgroute66. Node's own is in it, so it runs where there is none. For another architecture
 * than this machine's, the code cache is made under qemu.
 */
import {execFileSync, spawnSync} from 'node:child_process'
import {copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join, resolve} from 'node:path'
import {makeCertificates} from '../../test/support/certificates.ts'
import {startFakes} from '../../test/support/fake-postgres.ts'
import {bundle} from './bundle.ts'
import {repository} from './plugins.ts'
import {commandOf, needed, runtimeFor} from './runtime.ts'

const output = resolve(process.argv[2] ?? join(repository, 'dist', 'exe', 'pgroute66'))
const runtime = runtimeFor(process.argv[3])
/** An emulator is found by PATH; the program itself needs none. */
const processEnv = runtime.emulator.length > 0 ? {PATH: process.env.PATH ?? ''} : {}

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

needed('openssl', 'openssl')

const folder = mkdtempSync(join(tmpdir(), 'pgroute66-exe-'))
process.on('exit', () => rmSync(folder, {recursive: true, force: true}))
const scriptFolder = join(folder, 'scripts')
mkdirSync(scriptFolder)

const stripped = join(folder, 'node')
execFileSync(runtime.strip, ['-o', stripped, runtime.node])
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
execFileSync(...commandOf(runtime, stripped, [...flags, '--build-sea', 'sea.json']), {
  cwd: folder,
  stdio: ['ignore', 'ignore', 'inherit'],
})
mkdirSync(dirname(output), {recursive: true})
// One that runs keeps its file.
rmSync(output, {force: true})
copyFileSync(join(folder, 'pgroute66'), output)

const version = execFileSync(...commandOf(runtime, output, ['--version']), {encoding: 'utf8', env: processEnv}).trim()
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
    const script = join(import.meta.dirname, 'warm-up.ts')
    const {status, stderr} = spawnSync(...commandOf(runtime, stripped, [...flags, script, scriptFolder, ...args]), {
      env: processEnv,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`the warm-up by "${command}" ended with ${status}: ${stderr}`)
  }
  servers.stop()
}
