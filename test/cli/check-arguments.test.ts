import assert from 'node:assert/strict'
import {Parser} from '@oclif/core'
import {expect, test} from 'vitest'
import {checkFlags, parsedArguments, readArguments} from '../../src/app/check/arguments.ts'
import {requestOf} from '../../src/app/check/request.ts'
import Check from '../../src/commands/check.ts'

const haproxy = {HAPROXY_SERVER_NAME: 'host1'}

/** What the command makes of the same words by oclif. */
async function byOclif(words: readonly string[]) {
  const {argv, flags} = await Parser.parse([...words], {args: Check.args, flags: Check.flags, strict: false})
  return requestOf(parsedArguments(argv as string[], flags), haproxy)
}

test('check arguments: the fast parser knows exactly the flags that the command declares', () => {
  const declared = Object.entries(Check.flags)
  const options = declared.filter(([, flag]) => flag.type === 'option')
  expect(checkFlags.options).toEqual(
    Object.fromEntries(options.map(([name, flag]) => [name, ('options' in flag && flag.options) || null])),
  )
  expect(checkFlags.booleans).toEqual(declared.filter(([, flag]) => flag.type === 'boolean').map(([name]) => name))
  expect(checkFlags.letters).toEqual(
    Object.fromEntries(declared.filter(([, {char}]) => char).map(([name, {char}]) => [char, name])),
  )
  const exclusive = declared.flatMap(([name, flag]) => (flag.exclusive ?? []).map((other) => [name, other]))
  expect(checkFlags.exclusive).toEqual(exclusive)
  for (const [name, {env, required}] of declared) assert.ok(env === undefined && !required, name)
})

test.each(
  [
    [],
    ['host1'],
    ['host1', '--direct'],
    ['--role', 'standby', 'host1', '--max-lag=16MB', '--timeout', '800ms'],
    ['--role=any', '-g', 'orders', '-c', '/etc/x.yml', '-t', '1s'],
    ['--json', '--socket', '/run/s.sock', '--fallback', 'none'],
    ['--format=nagios', '--config', 'a=b.yml'],
    ['NOT_USED', 'NOT_USED', '10.0.0.1', '5432'],
    ['postgres://a@b,c/d', 'host=x user=y'],
  ].map((words) => [words]),
)('check arguments: parsed as oclif parses them: %j', async (words) => {
  const given = readArguments(['check', ...words])
  assert.deepEqual(given && requestOf(given, haproxy), await byOclif(words))
})

test.each(
  [
    ['--help'],
    ['--bogus'],
    ['--role', 'master'],
    ['--role'],
    ['--role', '--json'],
    ['--role', 'any', '--role', 'primary'],
    ['--json', '--format', 'text'],
    ['--direct', '--fallback', 'none'],
    ['--json=yes'],
    ['--direct', '--direct'],
    ['-t1s'],
    ['-c=x.yml'],
    ['-h'],
    ['-'],
    ['--'],
    ['--', '--json'],
    ['--group', ''],
    ['--group='],
    ['--timeout', '-1s'],
    ['--toString', 'x'],
  ].map((words) => [words]),
)('check arguments: left to oclif: %j', (words) => {
  assert.equal(readArguments(['check', ...words]), null)
})

test('check arguments: an empty HOST is an error, never the whole group', () => {
  for (const words of [[''], ['', '--role', 'primary']])
    assert.throws(() => requestOf(readArguments(['check', ...words]) ?? assert.fail(), {}), {code: 'USAGE'})
})

test('check arguments: other commands are left to oclif', () => {
  assert.equal(readArguments([]), null)
  assert.equal(readArguments(['watch']), null)
})
