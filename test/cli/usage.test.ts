import assert from 'node:assert/strict'
import {execFile, spawnSync} from 'node:child_process'
import {closeSync, openSync} from 'node:fs'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {test} from 'vitest'
import {run, runJs} from '../support/run.ts'

const folder = () => mkdtemp(join(tmpdir(), 'pgroute66-cli-'))

for (const [given, args, message, next] of [
  ['a mistyped command', ['chekc', 'host1'], 'there is no command "chekc"', 'Did you mean "pgroute66 check"?'],
  ['a mistyped flag', ['check', '--rol', 'primary'], 'unknown flag --rol', 'Did you mean --role?'],
  ['a flag without its value', ['check', '--role'], '--role', '--help'],
  ['a variable that is not set', ['check', '', '--role', 'primary'], 'HOST is empty', 'whole group'],
  ['an order for a variable that is not set', ['drain', ''], 'HOST is empty', 'variable'],
  [
    'two flags that exclude each other',
    ['watch', '--url', 'x', '--config', 'y'],
    'pgroute66: --config=y cannot also',
    'watch --help',
  ],
  [
    'a command of two words without its flag',
    ['haproxy', 'config'],
    'pgroute66: missing required flag',
    'haproxy config --help',
  ],
  ['a Patroni that is not named', ['patroni', 'list'], 'no cluster is named', '--url'],
  [
    'two Patronis',
    ['patroni', 'list', '--url', 'http://127.0.0.1:1', '--group', 'a'],
    'the cluster is named twice',
    '--group',
  ],
  [
    'no member to restart',
    ['patroni', 'restart', '--url', 'http://127.0.0.1:1', '--yes'],
    'no member is named',
    'MEMBER',
  ],
  ['an address that is none', ['patroni', 'list', '--url', 'ftp://x'], 'is not the address of a member', '--url'],
  ['etcd without a scope', ['patroni', 'list', '--etcd', 'http://127.0.0.1:1'], '--scope', 'patroni list --help'],
  ['a role that is none', ['check', '--role', 'leader'], 'to be one of: primary, standby, read-only, any', '--help'],
  ['two hosts', ['check', 'host1', 'host2'], '2 hosts are given', 'Ask for one HOST'],
  ['four words without HAProxy', ['check', 'a', '1', 'b', '2'], '4 hosts are given', 'HAPROXY_SERVER_NAME'],
  ['a time without a unit', ['check', '--timeout', '2'], '--timeout is a number without a unit', '"2s"'],
  ['a lag without a unit', ['check', '--max-lag', '16'], '--max-lag "16"', '"16MB"'],
  ['no configuration', ['check', '--direct', '--timeout', '60s'], 'there is no configuration', 'pgroute66 init'],
  [
    'no daemon either',
    ['check', '--socket', 's.sock', '--timeout', '60s'],
    '/s.sock: ENOENT), and there is no configuration',
    'pgroute66 init',
  ],
  ['a file that is not there', ['serve', '-c', 'nowhere.yml'], 'nowhere.yml does not exist', 'pgroute66 init'],
  ["the original's way to start", ['nowhere.yml'], 'nowhere.yml does not exist', 'pgroute66 init'],
  ["the original's flag", ['-c', 'nowhere.yml'], 'nowhere.yml does not exist', 'pgroute66 init'],
] as const) {
  test(`usage: ${given}: the error says what to do next, and exit 2`, async () => {
    const cwd = await folder()
    const {code, stdout, stderr} = await run(args, {cwd})
    assert.equal(code, 2, stderr)
    assert.equal(stdout, '')
    assert.ok(stderr.includes(message) && stderr.includes(next), stderr)
    assert.doesNotMatch(stderr, /\n +at /, 'no stack')
  })

  test(`usage: ${given}: the same error as one JSON document`, async () => {
    const {code, stdout, stderr} = await run([...args, '--json'], {cwd: await folder()})
    if (args[0] !== 'check') return
    const document = JSON.parse(stdout)
    assert.deepEqual([code, document.exit, document.ok], [2, 2, false], stderr)
    assert.ok(document.error.message.includes(message) && document.error.next.includes(next), stdout)
    assert.match(document.error.code, /^[A-Z_]+$/)
  })
}

test('a wrong configuration: every problem at once, and no secret', async () => {
  const cwd = await folder()
  await writeFile(
    join(cwd, 'pgroute66.yml'),
    'hosts:\n  host1: {host: a, port: nine, password: s3cret!}\nbnid: 1.2.3.4\n',
    {mode: 0o600},
  )
  const {code, stderr} = await run(['check', '--direct', '--timeout', '60s'], {cwd})
  assert.equal(code, 2)
  assert.match(stderr, /hosts\.host1\.port/)
  assert.match(stderr, /bnid/)
  assert.doesNotMatch(stderr, /s3cret/)
})

test('Nagios format: an error of the check itself is UNKNOWN, on stdout', async () => {
  const {code, stdout} = await run(['check', '--direct', '--timeout', '60s', '--format', 'nagios'], {
    cwd: await folder(),
  })
  assert.equal(code, 3)
  assert.match(stdout, /^PGROUTE66 UNKNOWN - there is no configuration/)
})

test('a full disk behind standard output: one error, no bug report', async () => {
  const full = openSync('/dev/full', 'w')
  const {status, stderr} = spawnSync(process.execPath, [runJs, 'config', 'schema'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  })
  closeSync(full)
  assert.equal(status, 2)
  assert.match(stderr, /^pgroute66: standard output cannot be written \(ENOSPC\)\nMake room .*\n$/)
})

test('--help | head -1 ends quietly', async () => {
  const command = `'${process.execPath}' '${runJs}' --help | head -1; echo "\${PIPESTATUS[0]}"`
  const {stdout, stderr} = await promisify(execFile)('bash', ['-c', command])
  assert.equal(stderr, '')
  assert.equal(stdout.trim().split('\n').at(-1), '0')
})

test('a bug: one line, how to report it, exit 70; PGROUTE66_DEBUG adds the stack', async () => {
  const cwd = await folder()
  await writeFile(
    join(cwd, 'bug.mjs'),
    'import dns from "node:process"; Object.defineProperty(process, "version", {get() { throw new Error("kaboom") }})',
  )
  const env = {NODE_OPTIONS: `--import ${join(cwd, 'bug.mjs')}`}
  const plain = await run(['config', 'schema'], {cwd, env})
  assert.equal(plain.code, 70, plain.stderr)
  assert.match(plain.stderr, /^pgroute66: this is a bug in pgroute66: Error: kaboom\n.*report/)
  assert.doesNotMatch(plain.stderr, /\n +at /)
  const told = await run(['config', 'schema'], {cwd, env: {...env, PGROUTE66_DEBUG: '1'}})
  assert.equal(told.code, 70)
  assert.match(told.stderr, /\n +at /)
})

test.each([['check'], ['drain'], ['config', 'show']])(
  '%s -h: exit 0, and the summary stands there once',
  async (...words) => {
    const {code, stdout, stderr} = await run([...words, '-h'], {cwd: await folder()})
    assert.deepEqual([code, stderr], [0, ''])
    const [summary = ''] = stdout.split('\n')
    assert.ok(summary.length > 10)
    assert.equal(stdout.split(summary).length, 2, stdout)
    assert.match(stdout, /USAGE/)
  },
)
