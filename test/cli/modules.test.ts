import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtempSync, readFileSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join, relative} from 'node:path'
import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, test} from 'vitest'
import {fakeDaemon} from '../support/fake-daemon.ts'
import {type Fakes, startFakes} from '../support/fake-postgres.ts'
import {runJs} from '../support/run.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const hook = fileURLToPath(new URL('../support/loaded-modules.ts', import.meta.url))
/** What costs: a command that has one of them more than it has here starts milliseconds later. */
const heavy = [
  '@oclif/core',
  'ink',
  'react',
  'string-width',
  'fastify',
  'pg',
  'js-yaml',
  'pino',
  'prom-client',
  'eventsource-parser',
]
const heavyBuiltins = ['net', 'crypto', 'tls', 'http', 'https', 'perf_hooks']

const cwd = mkdtempSync(join(tmpdir(), 'pgroute66-modules-'))
let servers: Fakes
beforeAll(async () => {
  servers = await startFakes(3)
  const hosts = servers.ports.map(
    (port, index) => `  host${index + 1}: {host: 127.0.0.1, port: ${port}, sslmode: disable, user: pgroute66}`,
  )
  writeFileSync(join(cwd, 'pgroute66.yml'), `hosts:\n${hosts.join('\n')}\nbind: 127.0.0.1\nport: 0\n`, {mode: 0o600})
})
afterAll(() => servers.stop())

/**
 * Runs a command, and says which of this repository's files, packages and node's own modules it has
 * loaded.
 */
async function loadedBy(args: readonly string[], env: Readonly<Record<string, string>> = {}, stopOn?: RegExp) {
  const report = join(mkdtempSync(join(tmpdir(), 'pgroute66-loaded-')), 'modules.json')
  const child = spawn(process.execPath, ['--import', hook, runJs, ...args], {
    cwd,
    env: {...env, LOADED_MODULES: report},
  })
  const said: string[] = []
  let isStopped = false
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said.push(chunk.toString())
      if (!isStopped && stopOn?.test(said.join(''))) isStopped = child.kill('SIGTERM')
    })
  const [code] = await once(child, 'close')
  assert.equal(code, 0, said.join(''))
  const {files, builtins} = JSON.parse(readFileSync(report, 'utf8')) as {files: string[]; builtins: string[]}
  const paths = files.map((url) => relative(repository, fileURLToPath(url)))
  const packages = paths.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
  return {own: paths.filter((path) => !path.startsWith('node_modules/')), packages: [...new Set(packages)], builtins}
}
const of = (heavy: readonly string[], found: readonly string[]) => heavy.filter((name) => found.includes(name))

/** Who may be on the fast path: the entry, what asks a daemon and prints its answer, and whether to trust a file. */
const fastPath = ['bin', 'dist/app/main', 'dist/app/check', 'dist/app/cli', 'dist/sources/daemon', 'dist/system']

test.each([
  {asker: "HAProxy's", words: ['NOT_USED', 'NOT_USED', '127.0.0.1', '5432'], env: {HAPROXY_SERVER_NAME: 'host1'}},
  {asker: "the group's", words: [], env: {PGROUTE66CONFIG: '/nonexistent'}},
])('$asker check, answered by the daemon: nine small files and node:net alone', async ({words, env}) => {
  await using daemon = await fakeDaemon({exit: 0, ok: true, text: 'host1: the only primary', recognised: true})
  const {own, packages, builtins} = await loadedBy(['check', ...words], {...env, PGROUTE66_SOCKET: daemon.socket})
  assert.deepEqual(
    own.filter((path) => !fastPath.includes(dirname(path))),
    [],
  )
  assert.ok(own.length <= 9, own.join(', '))
  assert.deepEqual([packages, of(heavyBuiltins, builtins)], [[], ['net']])
})

test('--version: no package at all', async () => {
  const {packages, builtins} = await loadedBy(['--version'])
  assert.deepEqual([packages, of(heavyBuiltins, builtins)], [[], ['net']])
})

const direct = {packages: ['pg', 'js-yaml'], builtins: ['net', 'crypto']}
const asked = {packages: ['pg', 'js-yaml'], builtins: ['net', 'crypto', 'tls', 'http', 'perf_hooks']}
const oclif = {packages: ['@oclif/core'], builtins: ['net', 'perf_hooks']}
const configured = {packages: ['@oclif/core', 'js-yaml'], builtins: ['net', 'perf_hooks']}
const watching = {packages: ['@oclif/core', 'string-width', 'pg', 'js-yaml'], builtins: ['net', 'crypto', 'perf_hooks']}
const serving = {
  packages: ['@oclif/core', 'fastify', 'pg', 'js-yaml', 'pino', 'prom-client'],
  builtins: ['net', 'crypto', 'tls', 'http', 'https', 'perf_hooks'],
}
const commands = [
  {command: 'check --direct --timeout 60s', wanted: direct},
  {command: 'check --timeout 60s', wanted: asked},
  {command: '--help', wanted: oclif},
  {command: 'init --sql', wanted: oclif},
  {command: 'config schema', wanted: oclif},
  // Its head has the hash of the configuration.
  {command: 'config show', wanted: {...configured, builtins: ['net', 'crypto', 'perf_hooks']}},
  {command: 'config check', wanted: configured},
  {command: 'watch --once --direct', wanted: watching},
  {command: 'watch --once', wanted: {...watching, builtins: asked.builtins}},
  {command: 'serve', wanted: serving, stopOn: /listening/},
]
/** Texts for README, docs and manual: the generator alone loads them. */
const guides = /\/(verdict\/rules|cause-guide|error-codes|config-error-codes|exit-codes)\.js$/
test.each(commands)('$command', async ({command, wanted, stopOn}) => {
  const {own, packages, builtins} = await loadedBy(command.split(' '), {}, stopOn)
  assert.deepEqual({packages: of(heavy, packages), builtins: of(heavyBuiltins, builtins)}, wanted)
  assert.deepEqual(
    own.filter((path) => guides.test(path)),
    [],
  )
})
