import {chmod, writeFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import type {Config} from '../../src/config/config.ts'
import {readPassword} from '../../src/sources/pg/password.ts'
import {lookUpPassword} from '../../src/sources/pg/pgpass.ts'
import {complaint, problems, workplace} from './workplace.ts'

const passwordOf = ({hosts: [host]}: Config) => readPassword(host?.connection.password ?? {from: 'none'})
const base64 = (text: string) => Buffer.from(text).toString('base64')

const written: readonly [title: string, keys: string, password: string][] = [
  ['base64', `password: ${base64('pa$$w0rd')}`, 'pa$$w0rd'],
  ['b64password', `b64password: ${base64('x: y')}`, 'x: y'],
  ['plain, that looks like a number', 'password: 00123\npassword_encoding: plain', '00123'],
  ['plain, that looks like nothing', 'password: null\npassword_encoding: plain', 'null'],
  ['b64password stays base64', `b64password: ${base64('x')}\npassword_encoding: plain`, 'x'],
  ['beyond ASCII', `password: ${base64('pässwörd')}`, 'pässwörd'],
  [
    'over two lines',
    `password: |\n  ${base64('a long password').slice(0, 8)}\n  ${base64('a long password').slice(8)}`,
    'a long password',
  ],
]
const indented = (keys: string) => `hosts:\n  h1:\n    host: a\n${keys.replace(/^/gm, '    ')}\n`

for (const [title, keys, password] of written) {
  test(`written in the file: ${title}`, async () => {
    await using place = await workplace()
    const config = await place.load(indented(keys), {PGPASSWORD: 'not this'})
    expect(await passwordOf(config)).toBe(password)
  })
}

test('plain for all hosts, base64 for one', async () => {
  await using place = await workplace()
  const config = await place.load(`password_encoding: plain
hosts:
  h1: {host: a, password: YWJj}
  h2: {host: b, password: YWJj, password_encoding: base64}
`)
  expect(config.hosts.map(({connection}) => connection.password)).toMatchObject([{text: 'YWJj'}, {text: 'abc'}])
})

describe('a plain password that is read as base64 is refused, and not shown', () => {
  for (const secret of [
    'hunter2!',
    'hunter2',
    'hunter22',
    'S3cr3tS3cr3t',
    `${base64('hunter2\n')}`,
    base64('a\0b'),
    'YWJjZA',
    'YWJj=',
  ]) {
    test(secret, async () => {
      await using place = await workplace()
      const [problem] = await problems(place.load(indented(`password: "${secret}"`)))
      expect(problem).toMatchObject({path: 'hosts.h1.password', code: 'CONFIG_BASE64'})
      expect(`${problem?.message} ${problem?.next}`).toMatch(/password_encoding: plain|echo/)
      expect(JSON.stringify(problem)).not.toContain(secret)
    })
  }
})

test('password_file is read at every connection, without its last line break', async () => {
  await using place = await workplace()
  const file = await place.write('pw', 'first\n')
  const config = await place.load(indented('password_file: pw'))
  const password = () => passwordOf(config)
  expect(await password()).toBe('first')
  await writeFile(file, 'second \r\n')
  expect(await password()).toBe('second ')
  await writeFile(file, '')
  expect(await password()).toBeNull()
  await chmod(file, 0o644)
  expect((await place.load(indented('password_file: pw'))).warnings).toMatchObject([
    {path: 'hosts.h1.password_file', next: expect.stringContaining('Run chmod o-r')},
  ])
  const absent = await place.load(indented('password_file: nowhere'))
  expect(absent.warnings).toMatchObject([{path: 'hosts.h1.password_file', message: expect.stringContaining('ENOENT')}])
  expect((await complaint(passwordOf(absent))).code).toBe('CONFIG_PASSWORD_FILE')
})

test('.pgpass: at its usual place or by name; ignored when group or others may read it', async () => {
  await using place = await workplace()
  await place.write('.pgpass', '# a comment\nother:*:*:*:no\na:5432:*:tester:yes\n')
  await place.write('mine', 'a:*:*:*:mine\n')
  const password = async (keys: string, env = {}) => passwordOf(await place.load(indented(keys), env))
  expect(await password('port: 5432')).toBe('yes')
  expect(await password('port: 5433')).toBeNull()
  expect(await password('port: 5432', {PGPASSWORD: 'env'})).toBe('env')
  expect(await password('port: 5432', {PGPASSFILE: `${place.directory}/mine`})).toBe('mine')
  expect(await password('passfile: mine')).toBe('mine')
  await chmod(`${place.directory}/.pgpass`, 0o640)
  const config = await place.load(indented('port: 5432'))
  expect(await passwordOf(config)).toBeNull()
  expect(config.warnings).toMatchObject([
    {path: `${place.directory}/.pgpass`, message: expect.stringContaining('ignored')},
  ])
})

describe('lines of .pgpass', () => {
  const key = {host: 'a', port: 5432, dbname: 'd', user: 'u'}
  const lines: readonly [line: string, password: string | null, more?: object][] = [
    ['a:5432:d:u:pw', 'pw'],
    ['*:*:*:*:pw', 'pw'],
    ['a:5432:d:u:p\\:w\\\\', 'p:w\\'],
    ['a:5432:d:u:pw:rest', 'pw'],
    ['a:5432:d:u:pw\r', 'pw'],
    ['a:5432:d:u:', null],
    ['a:5432:d:u', null],
    ['a:5433:d:u:pw', null],
    ['\\*:*:*:*:pw', null],
    ['\\*:*:*:*:pw', 'pw', {host: '*'}],
    ['a\\:b:*:*:*:pw', 'pw', {host: 'a:b'}],
    ['localhost:*:*:*:pw', 'pw', {host: '/var/run/postgresql'}],
    ['/var/run/postgresql:*:*:*:pw', 'pw', {host: '/var/run/postgresql'}],
    ['localhost:*:*:*:pw', null, {host: '/elsewhere'}],
    ['a:*:*:*:pw:\\', 'pw'],
  ]
  for (const [line, password, more] of lines) {
    test(JSON.stringify(line), async () => {
      await using place = await workplace()
      expect(await lookUpPassword(await place.write('p', `${line}\n`), {...key, ...more})).toBe(password)
    })
  }
})
