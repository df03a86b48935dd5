import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtempSync, readFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, test} from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const hook = join(root, 'test', 'support', 'loaded-modules.ts')
/** An application must not pay for the commands, the screen or the API. */
const never = ['@oclif/core', 'ink', 'react', 'string-width', 'fastify', 'undici', 'pino', 'prom-client']

/** Runs a script that is an application of the package; what it printed, and the packages that it loaded. */
async function application(script: string, ...flags: string[]) {
  const report = join(mkdtempSync(join(tmpdir(), 'pgroute66-loading-')), 'loaded.json')
  const env = {...process.env, LOADED_MODULES: report}
  const child = spawn(process.execPath, ['--import', hook, ...flags, '-e', script], {cwd: root, env})
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(String(chunk)))
  const [code] = await once(child, 'close')
  expect(code, said.join('')).toBe(0)
  const {files} = JSON.parse(readFileSync(report, 'utf8')) as {files: string[]}
  const packages = files.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [])
  return {said: said.join('').trim(), packages: [...new Set(packages)]}
}

test('import and require give the same functions, and load neither pg nor anything of the commands', async () => {
  const say = 'console.log([typeof connect, ConnectorError.name, Object.keys(all)].join(" "))'
  const names = 'function ConnectorError ConnectorError,connect'
  const imported = await application(
    `const all = await import('pgroute66/connector'); const {connect, ConnectorError} = all; ${say}`,
    '--input-type=module',
  )
  const required = await application(
    `const all = require('pgroute66/connector'); const {connect, ConnectorError} = all; ${say}`,
    '--input-type=commonjs',
  )
  expect(imported).toEqual({said: names, packages: []})
  expect(required.said).toBe(names)
})

test('the package itself gives the monitor, and loads nothing before it is asked to', async () => {
  const {said, packages} = await application(
    `import {holds, loadConfig, watchCluster} from 'pgroute66'
     console.log(typeof holds, typeof loadConfig, typeof watchCluster)`,
    '--input-type=module',
  )
  expect([said, packages]).toEqual(['function function function', []])
})

/** Nothing listens at port 1: it fails after it has loaded all that it needs. */
test.each([
  {
    given: 'a monitor of its own',
    options: `{config: {hosts: {a: {host: '127.0.0.1', port: 1, user: 'a'}}}}`,
    loads: 'pg',
  },
  {given: 'a daemon', options: `{daemon: 'http://127.0.0.1:1', patience: '1s'}`, loads: 'eventsource-parser'},
])('connect() with $given loads nothing of the commands', async ({options, loads}) => {
  const {said, packages} = await application(
    `import {connect} from 'pgroute66/connector'
     const connector = await connect(${options}).catch((error) => console.log(error.code))
     if (connector) console.log(connector.use().verdict.rule)
     await connector?.close()`,
    '--input-type=module',
  )
  expect(said).toMatch(/^(V5|DAEMON)$/)
  expect(packages).toContain(loads)
  expect(packages.filter((name) => never.includes(name))).toEqual([])
})
