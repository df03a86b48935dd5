import {chmod, chown, mkdir} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {loadConfig} from '../../src/config/load.ts'
import {guessSocket, usualSocket} from '../../src/sources/daemon/socket-path.ts'
import {complaint, workplace} from './workplace.ts'

const unusable: readonly [title: string, content: string | Uint8Array, code: string][] = [
  ['empty', '', 'CONFIG_EMPTY'],
  ['a comment only', '# nothing', 'CONFIG_EMPTY'],
  ['three dashes', '---\n', 'CONFIG_EMPTY'],
  ['a duplicate key', 'hosts: {}\nhosts: {}', 'CONFIG_YAML'],
  ['two documents', 'a: 1\n---\nb: 2', 'CONFIG_YAML'],
  ['a list', '- a', 'CONFIG_TYPE'],
  ['binary', Uint8Array.of(0, 1, 2, 255, 254), 'CONFIG_NOT_TEXT'],
  ['UTF-16', Buffer.from('\ufeffhosts: {}', 'utf16le'), 'CONFIG_NOT_TEXT'],
  ['huge', '#'.repeat(5 * 1024 * 1024), 'CONFIG_TOO_LARGE'],
  ['deep', `${'a: {'.repeat(200)}${'}'.repeat(200)}`, 'CONFIG_YAML'],
  ['an alias to itself', 'hosts: &a [*a]', 'CONFIG_TOO_LARGE'],
  ['an object of JavaScript', 'hosts: !!js/function "x"', 'CONFIG_YAML'],
  [
    'a bomb of aliases',
    'a0: &a0 [x,x,x,x,x,x,x,x,x]\n' +
      `${Array.from({length: 12}, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join()}]`).join('\n')}`,
    'CONFIG_TOO_LARGE',
  ],
]

for (const [title, content, code] of unusable) {
  test(`a file that is ${title}: one clear error`, async () => {
    await using place = await workplace()
    const path = await place.write('pgroute66.yml', content)
    const error = await complaint(loadConfig({path, env: place.env, cwd: place.directory}))
    expect(error.code).toBe(code)
    expect(error.message).toContain(path)
    expect(error.next).not.toBe('')
  })
}

test('a directory, a missing file, a file that may not be read', async () => {
  await using place = await workplace()
  const from = (path: string) => complaint(loadConfig({path, env: place.env, cwd: place.directory}))
  await mkdir(join(place.directory, 'dir'))
  expect((await from('dir')).code).toBe('CONFIG_NOT_A_FILE')
  expect((await from('nothing.yml')).code).toBe('CONFIG_NOT_FOUND')
  expect((await from('dir/nothing.yml')).message).toContain(place.directory)
  const secret = await place.write('closed.yml', 'hosts: {}')
  await chmod(secret, 0)
  if (process.getuid?.() !== 0) expect((await from(secret)).code).toBe('CONFIG_UNREADABLE')
})

test('where it is looked for: -c, $PGROUTE66CONFIG, ./pgroute66.yml, $PGHOST', async () => {
  await using place = await workplace()
  const from = async (path: string | undefined, more: Record<string, string>) =>
    (await loadConfig({path, env: {...place.env, ...more}, cwd: place.directory})).hosts[0]?.name
  const one = await place.write('one.yml', 'hosts: {one: {host: a}}')
  const two = await place.write('two.yml', 'hosts: {two: {host: a}}')
  expect((await complaint(from(undefined, {}))).code).toBe('CONFIG_NOT_FOUND')
  expect(await from(undefined, {PGHOST: 'db9'})).toBe('db9')
  await place.write('pgroute66.yml', 'hosts: {usual: {host: a}}')
  expect(await from(undefined, {PGHOST: 'db9'})).toBe('usual')
  expect(await from(undefined, {PGROUTE66CONFIG: two})).toBe('two')
  expect(await from(one, {PGROUTE66CONFIG: two})).toBe('one')
  expect(await from('./one.yml', {})).toBe('one')
})

type Tampering = (place: {directory: string}, path: string) => Promise<void>
const tamperings: [title: string, tamper: Tampering, what: string][] = [
  ['a file that others may write', (_, path) => chmod(path, 0o666), 'mode 0666'],
  ['a file that its group may write', (_, path) => chmod(path, 0o620), 'mode 0620'],
  ['a folder that others may write', ({directory}) => chmod(directory, 0o1777), 'mode 1777'],
]
// Only root may give a file away.
if (process.getuid?.() === 0) {
  tamperings.push(
    ['a file of another user', (_, path) => chown(path, 65_533, 0), 'uid 65533'],
    ['a folder of another user', ({directory}) => chown(directory, 65_533, 0), 'uid 65533'],
  )
}
for (const [title, tamper, what] of tamperings) {
  test(`${title}, in the working folder: refused unless it is named`, async () => {
    await using place = await workplace()
    const from = (path: string | undefined, more: Record<string, string>) =>
      loadConfig({path, env: {...place.env, ...more}, cwd: place.directory})
    const path = await place.write('pgroute66.yml', 'hosts: {ours: {host: a}}')
    expect(guessSocket({}, place.directory)).toBe(usualSocket)
    await tamper(place, path)
    // $PGHOST is no way around it: the file is not skipped silently.
    const error = await complaint(from(undefined, {PGHOST: 'db9'}))
    expect(error.code).toBe('CONFIG_FOREIGN')
    expect(error.message).toContain(what)
    expect(error.next).toContain(`-c ${path}`)
    // The check asks no daemon that such a file names.
    expect(guessSocket({}, place.directory)).toBe(null)
    expect((await from('./pgroute66.yml', {})).hosts[0]?.name).toBe('ours')
    expect((await from(undefined, {PGROUTE66CONFIG: 'pgroute66.yml'})).hosts[0]?.name).toBe('ours')
    expect(guessSocket({PGROUTE66CONFIG: 'pgroute66.yml'}, place.directory)).toBe(usualSocket)
  })
}

test('syntax errors say where and why, and never repeat the line', async () => {
  await using place = await workplace()
  const lines = [
    'password: *hunter2',
    'password: !hunter2 x',
    'password: "hunter2',
    'password: hunter2: x',
    'password: [hunter2',
    '%TAG hunter2\npassword: x',
    '? [hunter2]: x',
    '"\\x-hunter2": 1',
  ]
  for (const line of lines) {
    const error = await complaint(place.load(`hosts:\n  h1:\n    host: a\n    ${line}\n`))
    expect(error.code, line).toBe('CONFIG_YAML')
    expect(`${error.message}${error.next}${error.stack}${JSON.stringify(error.cause ?? null)}`, line).not.toContain(
      'hunter2',
    )
  }
  const error = await complaint(place.load('hosts:\n  h1: {host: a\n'))
  expect(error.message).toMatch(/pgroute66\.yml:\d+:\d+: is not valid YAML/)
})

test('merge keys share what hosts have in common', async () => {
  await using place = await workplace()
  const config = await place.load('hosts:\n  h1: &one {host: a, user: u, port: 5433}\n  h2: {<<: *one, host: b}\n')
  expect(config.hosts[1]?.connection).toMatchObject({host: 'b', user: 'u', port: 5433})
})
