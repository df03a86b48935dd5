import {describe, expect, test} from 'vitest'
import {positionsIn} from '../../src/config/reading/positions.ts'
import {problems, workplace} from './workplace.ts'

const text = `x-base: &base
  port: 5432
  sslmode: "require"
hosts:
  h1: {host: a, port: 99999}
  db.example.org:
    <<: *base
    host: b
  h3: *base
groups:
  g:
  - h1
  -   h9
  k: {hosts: [h1,
      h8]}
probe:
  timeout: 'soon'
empty:
"quo\\u0074ed key": 1
`

describe('where a value stands', () => {
  const at = positionsIn(text)
  test.each([
    ['hosts.h1.port', 'value', {line: 5, column: 23}],
    ['hosts.h1.port', 'key', {line: 5, column: 17}],
    ['hosts.h1', 'value', {line: 5, column: 3}],
    ['hosts.db.example.org.host', 'value', {line: 8, column: 11}],
    ['hosts.db.example.org.sslmode', 'value', {line: 3, column: 13}],
    ['hosts.db.example.org.user', 'value', {line: 6, column: 3}],
    ['hosts.h3.port', 'value', {line: 2, column: 9}],
    ['groups.g[1]', 'value', {line: 13, column: 7}],
    ['groups.g[7]', 'value', {line: 11, column: 3}],
    ['groups.k.hosts[1]', 'value', {line: 15, column: 7}],
    ['probe.timeout', 'value', {line: 17, column: 13}],
    ['probe.max_age', 'value', {line: 16, column: 1}],
    ['empty', 'value', {line: 18, column: 1}],
    ['quoted key', 'key', {line: 19, column: 2}],
    ['nosuch', 'value', null],
    ['$PGPORT', 'value', null],
  ] as const)('%s, its %s', (path, which, position) => {
    const found = at(path, which)
    expect(found && {...found}).toEqual(position)
  })

  test('line breaks of Windows, a mark of UTF-8 and comments do not move it', async () => {
    await using place = await workplace()
    const [problem] = await problems(place.load('\ufeff# a comment\r\n\r\nhosts:\r\n  h1: {host: a, port: x}\r\n'))
    expect(problem).toMatchObject({path: 'hosts.h1.port', line: 4, column: 23})
  })

  test('a bomb of merged mappings is looked through in no time', () => {
    const lines = Array.from({length: 60}, (_, n) => `a${n + 1}: &a${n + 1} {<<: [*a${n}, *a${n}, *a${n}]}`)
    const bomb = positionsIn(`a0: &a0 {}\n${lines.join('\n')}\n`)
    expect(bomb('a60.nosuch', 'value')).toEqual({line: 61, column: 1})
  })

  test('a text that is no YAML has no places, and throws nothing', () => {
    expect(positionsIn('{[')('hosts', 'key')).toBeNull()
  })
})

test('x-… at the top holds anchors, and is no key', async () => {
  await using place = await workplace()
  const config = await place.load('x-tls: &tls {sslmode: require, user: me}\nhosts: {h1: {<<: *tls, host: a}}\n')
  expect(config.hosts[0]?.connection).toMatchObject({host: 'a', sslmode: 'require', user: 'me'})
  expect(await problems(place.load('hosts: {h1: {host: a, x-tls: b}}'))).toMatchObject([
    {path: 'hosts.h1.x-tls', code: 'CONFIG_UNKNOWN_KEY', line: 1, column: 23},
  ])
})
