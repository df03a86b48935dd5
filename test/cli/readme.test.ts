import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test} from 'vitest'
import {loadConfig} from '../../src/config/load.ts'
import {fences} from '../support/markdown.ts'
import {run} from '../support/run.ts'

const root = join(import.meta.dirname, '..', '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** The fenced blocks of a language; '' for blocks without a language. */
const blocks = (language: string) =>
  fences(readme)
    .filter((fence) => fence.language === language)
    .map(({text}) => text)

function written(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-readme-'))
  onTestFinished(() => rmSync(folder, {recursive: true, force: true}))
  const path = join(folder, name)
  writeFileSync(path, text, {mode: 0o600})
  return path
}

const [smallest = '', ...additions] = blocks('yaml')
const configurations = [smallest, ...additions.map((text) => smallest + text)]
test.each(configurations.map((text) => [text.split('\n').at(-2)?.trim() ?? '', text]))(
  'every configuration of the README loads: %s',
  async (_, text) => {
    const config = await loadConfig({path: written('pgroute66.yml', text), dsns: [], env: {}, cwd: root})
    expect(config.hosts.map(({name}) => name)).toEqual(['host1', 'host2', 'host3'])
    const {user, password} = config.hosts[0]?.connection ?? {}
    // The password of the role that the page makes, and not the name of the role.
    expect(password).toMatchObject({text: /PASSWORD '([^']+)'/.exec(readme)?.[1]})
    expect(password).not.toMatchObject({text: user})
  },
)

test('the haproxy.cfg in the README is what haproxy config prints for the configuration in the README', async () => {
  const file = blocks('').find((text) => /^listen /m.test(text))
  const lines = additions.find((text) => text.startsWith('haproxy:'))
  const config = written('pgroute66.yml', `${smallest}${lines}`)
  const {stdout, stderr} = await run(['haproxy', 'config', '--style', 'push', '-c', config])
  expect([stdout, stderr]).toEqual([file, ''])
})

test('every command of the README exists', async () => {
  const named = [...readme.matchAll(/(?:^|[`"])pgroute66 ((?:config |haproxy )?(?:[a-z]+))(?=[ `])/gm)].map(
    ([, name]) => name ?? '',
  )
  const commands = [...new Set(named.map((name) => (name === 'config' ? 'config check' : name)))]
  expect(commands).toEqual(
    expect.arrayContaining(['check', 'watch', 'serve', 'init', 'accept', 'config check', 'haproxy config']),
  )
  for (const command of commands)
    expect({command, code: (await run([...command.split(' '), '--help'])).code}).toEqual({command, code: 0})
})

test('every npm script of the README exists', () => {
  const {scripts} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const named = [...readme.matchAll(/npm (?:run )?(demo|test|bench)\b/g)].map(([, name]) => name ?? '')
  expect(new Set(named)).toEqual(new Set(['demo', 'test', 'bench']))
  for (const name of named) expect(scripts).toHaveProperty(name)
})

test('the table of dependencies is complete', () => {
  const {dependencies, optionalDependencies} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const name of Object.keys({...dependencies, ...optionalDependencies}))
    expect(readme).toMatch(new RegExp(`^\\| .*${name}\\b`, 'm'))
})
