import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {existsSync, mkdtempSync, readFileSync, statSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, test} from 'vitest'
import manifest from '../../oclif.manifest.json' with {type: 'json'}
import packageJson from '../../package.json' with {type: 'json'}
import {type Fakes, startFakes} from '../support/fake-postgres.ts'
import {lacks} from '../support/parts.ts'
import type {Started} from '../support/run.ts'
import {builder, Jail} from './jail.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const commands = Object.keys(manifest.commands).map((id) => id.split(':'))
const built = test.skipIf(lacks('binutils'))
/** Then it says which code cache is refused. */
const saysMore = {PGROUTE66_DEBUG: '1'}
let jail: Jail
let servers: Fakes
let daemon: Started

/**
 * One executable, three PostgreSQL servers at wire level, and the executable's own daemon over
 * them.
 */
beforeAll(async () => {
  if (lacks('binutils')) return
  jail = new Jail()
  servers = await startFakes(3)
  const hosts = servers.ports.map(
    (port, index) => `  host${index + 1}: {host: 127.0.0.1, port: ${port}, sslmode: disable, user: pgroute66}`,
  )
  const socket = jail.inside('/run/pgroute66/pgroute66.sock')
  const text = [
    `hosts:\n${hosts.join('\n')}`,
    `socket: ${socket}`,
    'bind: 127.0.0.1',
    'port: 0',
    'haproxy: {backends: {pg_read: replica}}',
    '',
  ]
  jail.write('/etc/pgroute66/config.yaml', text.join('\n'))
  daemon = jail.start(['serve', '-c', jail.inside('/etc/pgroute66/config.yaml')], {env: saysMore, limitMs: 1_800_000})
  await daemon.sees('listening')
})
afterAll(() => {
  daemon?.child.kill('SIGKILL')
  servers?.stop()
})

const config = () => ({PGROUTE66CONFIG: jail.inside('/etc/pgroute66/config.yaml')})

built('it is small enough to copy, says its version, and knows nothing of where it was built', async () => {
  assert.ok(statSync(jail.executable).size <= 130e6)
  assert.ok(!readFileSync(jail.executable).includes(repository))
  const {code, stdout} = await jail.run(['--version'])
  assert.deepEqual(
    [code, stdout],
    [0, `pgroute66/${packageJson.version} ${process.platform}-${process.arch} node-${process.version}\n`],
  )
})

built('it is built once more, and is the same to the byte', async () => {
  const again = join(mkdtempSync(join(tmpdir(), 'pgroute66-again-')), 'pgroute66')
  await promisify(execFile)(process.execPath, [builder, again])
  assert.ok(readFileSync(again).equals(readFileSync(jail.executable)))
})

built('help lists every command', async () => {
  const {code, stdout} = await jail.run(['--help'])
  assert.equal(code, 0)
  for (const [first = ''] of commands) assert.match(stdout, new RegExp(`^ {2}${first} `, 'm'))
})

built.each(commands.map((words) => [words.join(' '), words] as const))(
  'every command is in it: %s',
  async (_, words) => {
    const help = await jail.run([...words, '--help'])
    assert.equal(help.code, 0, help.stderr)
    assert.match(help.stdout, new RegExp(`\\$ pgroute66 ${words.join(' ')}`))
    const wrong = await jail.run([...words, '--no-such-flag'], {env: saysMore})
    assert.deepEqual([wrong.code, wrong.stdout], [2, ''])
    // Its class is loaded for this; demo's stand-in knows no flags at all.
    assert.doesNotMatch(wrong.stderr, /is refused/)
    assert.match(wrong.stderr, words[0] === 'demo' ? /npx [^"]* pgroute66 demo/ : /unknown flag --no-such-flag/)
  },
)

built('the demo says where it is to be had', async () => {
  const {code, stderr} = await jail.run(['demo'])
  assert.deepEqual([code, /npx [^"]* pgroute66 demo/.test(stderr)], [2, true])
})

describe('by the daemon', () => {
  built('serve has begun, and says nothing bad', () => {
    assert.match(daemon.output(), /listening/)
    assert.doesNotMatch(daemon.output(), /error|warn|is refused/i)
  })

  built("check by name, as HAProxy's external check, and by the names of links", async () => {
    const haproxy = {HAPROXY_SERVER_NAME: 'host2', HAPROXY_PROXY_NAME: 'pg_read', ...config()}
    const four = ['NOT_USED', 'NOT_USED', '127.0.0.1', String(servers.ports[1])]
    const env = config()
    assert.equal(
      (await jail.run(['check', 'host1'], {env})).stdout,
      'host1: the only primary; 2 of 2 other hosts stream from it\n',
    )
    assert.equal((await jail.run(['check', ...four], {env: haproxy})).code, 0)
    assert.equal((await jail.run(['host1'], {env, name: 'pgroute66-check-primary'})).code, 0)
    assert.equal((await jail.run(four, {env: haproxy, name: 'pgroute66-check-primary'})).code, 1)
    assert.equal((await jail.run(four, {env: haproxy, name: 'pgroute66-check-standby'})).code, 0)
    assert.equal((await jail.run(['check', '--json'], {env})).code, 0)
    assert.match((await jail.run(['check', '--format', 'nagios'], {env})).stdout, /^PGROUTE66 OK/)
  })

  built('orders over the control socket', async () => {
    const ordered = async (...args: string[]) => {
      const {code, stdout, stderr} = await jail.run([...args, '--reason', 'test'], {env: config()})
      assert.equal(code, 0, stderr)
      return stdout
    }
    assert.match(await ordered('drain', 'host2'), /^drained/)
    assert.equal((await jail.run(['check', 'host2', '--role', 'standby'], {env: config()})).code, 1)
    assert.match(await ordered('resume', 'host2'), /^resumed/)
    assert.match(await ordered('maintenance', 'on', '--for', '1min'), /^maintenance on/)
    assert.match(await ordered('maintenance', 'off'), /^maintenance off/)
    assert.match(await ordered('accept', 'host1'), /^accepted/)
  })

  built('watch: once, and on a terminal', async () => {
    const url = jail.inside('/run/pgroute66/pgroute66.sock')
    const {code, stdout, stderr} = await jail.run(['watch', '--once', '--url', url], {env: saysMore})
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /host1 .*primary/)
    if (!existsSync('/usr/bin/script')) return
    const command = `stty rows 24 cols 100; ${jail.command(['watch', '--url', url]).join(' ')}`
    const env = {PATH: process.env.PATH, TERM: 'xterm-256color', LANG: 'C.UTF-8', SHELL: '/bin/sh'}
    const watching = promisify(execFile)('script', ['-qec', command, '/dev/null'], {env, timeout: 20_000})
    // Typed before it listens: a terminal keeps it.
    watching.child.stdin?.write('q')
    const screen = (await watching).stdout
    assert.match(screen, /PRIMARY/)
    assert.match(screen, /host3/)
    assert.ok(screen.includes('\u001b[?1049l'), 'the terminal is left')
  })
})

describe('without a daemon', () => {
  built('check --direct asks the servers, and no code cache is refused', async () => {
    const {code, stdout, stderr} = await jail.run(['check', '--direct'], {env: {...config(), ...saysMore}})
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^host1 is the only primary/)
  })

  built('config and init', async () => {
    const env = config()
    assert.match((await jail.run(['config', 'check'], {env})).stdout, /^ok\n/)
    assert.match((await jail.run(['config', 'check', '--connect'], {env})).stdout, /host3/)
    assert.match((await jail.run(['config', 'show'], {env})).stdout, /host3:/)
    assert.equal(JSON.parse((await jail.run(['config', 'schema'])).stdout).title, 'pgroute66 configuration')
    assert.match((await jail.run(['init', 'postgres://a@db1,db2/postgres'])).stdout, /db2/)
    assert.match((await jail.run(['init', '--sql'])).stdout, /pg_read_all_stats/)
  })

  built('the NODE_OPTIONS of the environment do not reach the executable', async () => {
    assert.equal((await jail.run(['--version'], {env: {NODE_OPTIONS: '--require /nowhere.js'}})).code, 0)
  })
})
