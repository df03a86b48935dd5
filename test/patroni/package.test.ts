import {execFile, spawnSync} from 'node:child_process'
import {mkdtempSync, readFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {expect, test} from 'vitest'
import {fences} from '../support/markdown.ts'
import {json, rawServer} from '../support/raw-server.ts'

const root = join(import.meta.dirname, '..', '..')
const hook = fileURLToPath(new URL('../support/loaded-modules.ts', import.meta.url))

test('pgroute66/patroni loads undici and its own files, and nothing else of the program', () => {
  const report = join(mkdtempSync(join(tmpdir(), 'pgroute66-loaded-')), 'modules.json')
  const script = `
    const {PatroniClient, PatroniError} = await import('pgroute66/patroni')
    const error = await new PatroniClient({urls: ['http://127.0.0.1:1']}).status().catch((error) => error)
    if (!(error instanceof PatroniError)) throw error`
  const {status, stderr} = spawnSync(process.execPath, ['--import', hook, '--input-type=module', '-e', script], {
    cwd: root,
    env: {...process.env, LOADED_MODULES: report},
    encoding: 'utf8',
  })
  expect([status, stderr]).toEqual([0, ''])
  const {files} = JSON.parse(readFileSync(report, 'utf8')) as {files: string[]}
  const packages = files.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [])
  expect([...new Set(packages)]).toEqual(['undici'])
  const own = files.flatMap((url) => /\/dist\/(.*)\//.exec(url)?.[1] ?? [])
  expect([...new Set(own)].sort()).toEqual([
    'core',
    'core/offers',
    'etcd',
    'http',
    'patroni',
    'patroni/data',
    'patroni/discovery',
    'system',
  ])
})

test('the example of docs/patroni.md runs, and says who leads', async () => {
  const page = readFileSync(join(root, 'docs', 'patroni.md'), 'utf8')
  const example = fences(page).find(({language}) => language === 'js')?.text ?? ''
  const status = {
    state: 'running',
    role: 'primary',
    timeline: 7,
    patroni: {version: '4.1.4', scope: 'pg', name: 'node1'},
  }
  const members = [{name: 'node1', role: 'leader', state: 'running'}]
  await using server = await rawServer(({path}) => json(path === '/cluster' ? {members} : status))
  const script = example.replace(/urls: \[.*?\]/, `urls: ['${server.url}']`)
  const run = promisify(execFile)
  const {stdout} = await run(process.execPath, ['--input-type=module', '-e', script], {cwd: root})
  expect(stdout).toBe('node1 leads on timeline 7\nnode1 leader running\n')
})
