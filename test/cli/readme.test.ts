import {execFileSync} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, onTestFinished, test} from 'vitest'
import {loadConfig} from '../../src/config/load.ts'
import {lacks} from '../support/parts.ts'
import {run} from '../support/run.ts'

const root = join(import.meta.dirname, '..', '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** Fenced blocks of a language; '' for those without one. */
const blocks = (language: string) =>
  [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].filter(([, of]) => of === language).map(([, , text]) => text ?? '')

function written(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-readme-'))
  onTestFinished(() => rmSync(folder, {recursive: true, force: true}))
  const path = join(folder, name)
  writeFileSync(path, text, {mode: 0o600})
  return path
}

test.each(blocks('yaml').map((text) => [text.split('\n')[1]?.trim() ?? '', text]))('its configuration is one: %s', async (_, text) => {
  const config = await loadConfig({path: written('pgroute66.yml', text), dsns: [], env: {}, cwd: root})
  expect(config.hosts.map(({name}) => name)).toEqual(['host1', 'host2', 'host3'])
  expect(await config.hosts[0]?.connection.password()).toBe('pgroute66')
})

describe.skipIf(lacks('HAProxy'))('its HAProxy files', () => {
  const files = blocks('').filter((text) => text.includes('listen '))
  test('are there', () => expect(files).toHaveLength(2))
  test.each(files)('are accepted by HAProxy', (text) => {
    const file = written('haproxy.cfg', text)
    expect(execFileSync('/usr/sbin/haproxy', ['-c', '-f', file], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']})).toContain('valid')
  })
})

test('its commands exist', async () => {
  const named = [...readme.matchAll(/\bpgroute66 ((?:config )?(?:[a-z]+))(?=[ `])/g)].map(([, name]) => name ?? '')
  const commands = [...new Set(named.map((name) => (name === 'config' ? 'config check' : name)))]
  expect(commands).toEqual(expect.arrayContaining(['check', 'watch', 'serve', 'init', 'accept', 'config check']))
  for (const command of commands) expect({command, code: (await run([...command.split(' '), '--help'])).code}).toEqual({command, code: 0})
})

test('its scripts are those of the manifest', () => {
  const {scripts} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const named = [...readme.matchAll(/npm (?:run )?(demo|test|bench)\b/g)].map(([, name]) => name ?? '')
  expect(new Set(named)).toEqual(new Set(['demo', 'test', 'bench']))
  for (const name of named) expect(scripts).toHaveProperty(name)
})

test('its table of dependencies is complete', () => {
  const {dependencies, optionalDependencies} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const name of Object.keys({...dependencies, ...optionalDependencies})) expect(readme).toMatch(new RegExp(`^\\| .*${name}\\b`, 'm'))
})
