import assert from 'node:assert/strict'
import {once} from 'node:events'
import {mkdtemp, symlink, writeFile} from 'node:fs/promises'
import {createServer} from 'node:http'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'vitest'
import {fakeDaemon} from '../support/fake-daemon.ts'
import {run, runJs, start} from '../support/run.ts'

const folder = () => mkdtemp(join(tmpdir(), 'pgroute66-fast-'))
const body = {
  exit: 1,
  ok: false,
  host: 'host1',
  asked: 'primary',
  text: 'host1 is a standby',
  via: 'daemon',
  verdict: {},
  hosts: {},
  recognised: true,
}
const haproxy = {HAPROXY_SERVER_NAME: 'host1', HAPROXY_PROXY_NAME: 'pg_read', PATH: ''}
/** A check's own 2 s would be a test of this machine's speed. */
const patient = ['--timeout', '20s']
const fourWords = ['NOT_USED', 'NOT_USED', '10.0.0.1', '5432']

test('fast path: the text and the exit code of the daemon', async () => {
  await using daemon = await fakeDaemon(body)
  const {code, stdout, stderr} = await run(['check', 'host1'], {env: {PGROUTE66_SOCKET: daemon.socket}})
  assert.deepEqual([code, stdout, stderr], [1, 'host1 is a standby\n', ''])
  assert.deepEqual(daemon.asked, ['/v1/check?server=host1'])
})

test('the whole group: the text and the exit code of the daemon', async () => {
  await using daemon = await fakeDaemon(body)
  const {code, stdout} = await run(['check'], {env: {PGROUTE66_SOCKET: daemon.socket}, cwd: await folder()})
  assert.deepEqual([code, stdout], [1, 'host1 is a standby\n'])
  assert.deepEqual(daemon.asked, ['/v1/check?'])
})

test('flags: the full command gets the same answer', async () => {
  await using daemon = await fakeDaemon(body)
  const env = {PGROUTE66_SOCKET: daemon.socket}
  const args = ['check', 'host1', '--role', 'any', '--max-lag', '16MB', '--group', 'a b', ...patient]
  const {code, stdout} = await run(args, {env})
  assert.deepEqual([code, stdout], [1, 'host1 is a standby\n'])
  assert.deepEqual(daemon.asked, ['/v1/check?server=host1&role=any&group=a%20b&max_lag=16MB'])
  assert.deepEqual(JSON.parse((await run([...args, '--json'], {env})).stdout), body)
})

test("HAProxy's four arguments and an empty environment: check asks with name, address, port and proxy", async () => {
  await using daemon = await fakeDaemon(body)
  const {code} = await run(['check', ...fourWords], {env: {...haproxy, PGROUTE66_SOCKET: daemon.socket}})
  assert.equal(code, 1)
  const host = encodeURIComponent('host1@10.0.0.1:5432')
  assert.deepEqual(daemon.asked, [`/v1/check?server=host1&address=10.0.0.1&port=5432&proxy=pg_read&host=${host}`])
})

for (const role of ['primary', 'standby']) {
  test(`pgroute66-check-${role}, called through links, asks for ${role}`, async () => {
    await using daemon = await fakeDaemon(body)
    const cwd = await folder()
    await symlink(runJs, join(cwd, 'elsewhere'))
    const script = join(cwd, `pgroute66-check-${role}`)
    await symlink('elsewhere', script)
    const env = {...haproxy, PGROUTE66_SOCKET: daemon.socket}
    assert.equal((await run(fourWords, {env, cwd, script})).code, 1)
    assert.equal((await run(['host2'], {env, cwd, script})).code, 1)
    assert.deepEqual(daemon.asked, [
      `/v1/check?server=host1&address=10.0.0.1&port=5432&proxy=pg_read&role=${role}&host=host1%4010.0.0.1%3A5432`,
      `/v1/check?server=host2&role=${role}`,
    ])
  })
}

test('an error from the daemon: exit 2, with its text on stderr', async () => {
  await using daemon = await fakeDaemon({
    exit: 2,
    ok: false,
    error: {code: 'UNKNOWN_HOST', message: 'there is no host "host9"', next: 'Try host1.'},
    recognised: true,
  })
  const env = {PGROUTE66_SOCKET: daemon.socket}
  const {code, stdout, stderr} = await run(['check', 'host9'], {env})
  assert.deepEqual([code, stdout, stderr], [2, '', 'pgroute66: there is no host "host9"\nTry host1.\n'])
  const slow = await run(['check', 'host9', '--role', 'any', ...patient], {env})
  assert.deepEqual([slow.code, slow.stdout, slow.stderr], [2, '', stderr])
})

test('check asks the socket that the configuration names, and no other socket', async () => {
  await using daemon = await fakeDaemon(body)
  const cwd = await folder()
  for (const line of [`socket: ${daemon.socket} # ours`, `socket: "${daemon.socket}"`]) {
    await writeFile(
      join(cwd, 'pgroute66.yml'),
      `hosts: {host1: {host: 127.0.0.1, port: 1}}\ncheck: {timeout: 20s}\n${line}\n`,
      {mode: 0o600},
    )
    assert.equal((await run(['check', 'host1'], {cwd})).stdout, 'host1 is a standby\n', line)
  }
})

for (const [what, answer] of Object.entries({
  'a stranger': 'SSH-2.0-OpenSSH_9.2\r\n',
  'another web server': {hello: 'world'},
  'a daemon that dies in mid-answer': 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"exit": 0, "te',
})) {
  test(`${what} on the socket is no answer`, async () => {
    await using daemon = await fakeDaemon(answer)
    const {code, stdout} = await run(['check', 'host1', '--fallback', 'none', ...patient], {
      env: {PGROUTE66_SOCKET: daemon.socket},
      cwd: await folder(),
    })
    assert.equal(code, 3)
    assert.match(stdout, /^host1: no daemon answers \(.*not pgroute66/)
  })
}

test('a frozen daemon: check asks the servers after 400 ms, asks the daemon once, and says why', async () => {
  await using daemon = await fakeDaemon(null)
  const cwd = await folder()
  const config = 'hosts: {host1: {host: 127.0.0.1, port: 1}}\ncheck: {timeout: 60s}\n'
  await writeFile(join(cwd, 'pgroute66.yml'), config, {mode: 0o600})
  const {code, stderr, ms} = await run(['check', 'host1'], {env: {PGROUTE66_SOCKET: daemon.socket}, cwd})
  assert.equal(code, 3)
  assert.match(stderr, /the daemon cannot be asked .*no answer within 400 ms.*check asks the servers instead/)
  assert.equal(daemon.asked.length, 1, 'and not asked twice')
  assert.ok(ms < 30_000, `${ms}`)
})

test('a slow daemon: without a configuration, check waits for the daemon', async () => {
  const socket = join(await folder(), 's.sock')
  const server = createServer(
    (_, response) => void setTimeout(() => response.end(JSON.stringify({...body, exit: 0})), 700),
  )
  await once(server.listen(socket), 'listening')
  const {code, stdout, stderr} = await run(['check', 'host1', '--timeout', '20s'], {
    env: {PGROUTE66_SOCKET: socket},
    cwd: await folder(),
  })
  server.close()
  assert.deepEqual([code, stdout, stderr], [0, 'host1 is a standby\n', ''])
})

test('no daemon runs and --fallback none: exit 3', async () => {
  const {code, stdout} = await run(
    ['check', 'host1', '--fallback', 'none', '--socket', '/nowhere/s.sock', ...patient],
    {
      cwd: await folder(),
    },
  )
  assert.deepEqual([code, stdout.includes('/nowhere/s.sock: ENOENT')], [3, true], stdout)
})

for (const [way, args] of Object.entries({
  'the fast': ['check', 'host1'],
  'the full': ['check', 'host1', '--fallback', 'none', '--timeout', '20s'],
})) {
  test(`SIGTERM while ${way} check waits: exit 3, and the text names the signal`, async () => {
    await using daemon = await fakeDaemon(null)
    const check = start(args, {env: {PGROUTE66_SOCKET: daemon.socket}, cwd: await folder()})
    while (daemon.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    check.child.kill('SIGTERM')
    const {code, stdout} = await check.ended
    assert.equal(code, 3)
    assert.match(stdout, /^host1: ended by SIGTERM before .* answer/)
  })
}
