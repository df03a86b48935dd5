import assert from 'node:assert/strict'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'vitest'
import {fakeDaemon} from '../support/fake-daemon.ts'
import {run} from '../support/run.ts'

const body = {exit: 0, ok: true, host: 'host1', asked: 'primary', text: 'host1: yes', via: 'daemon', recognised: true}
const strange = {status: 421, code: 'NOT_MY_HOSTS', detail: 'this daemon does not watch host1@10.0.0.1:5432', next: ''}
const fourWords = ['NOT_USED', 'NOT_USED', '192.0.2.1', '5432']
const haproxy = {HAPROXY_SERVER_NAME: 'host1', HAPROXY_PROXY_NAME: 'pg_write', PATH: ''}
const patient = ['--timeout', '20s']

/** A folder with this configuration; without it, none. */
async function folder(config?: string): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-other-'))
  if (config !== undefined) await writeFile(join(cwd, 'pgroute66.yml'), config, {mode: 0o600})
  return cwd
}
const site = `
hosts:
  host1: {host: 127.0.0.1, hostaddr: "::1", port: 1, user: a, aliases: [10.1.0.1]}
  host2: {host: 127.0.0.1, port: 2, user: a}
  host3: {host: 127.0.0.1, port: 3, user: a}
groups: {orders: [host1, host2], payments: [host3]}
port: 1
check: {timeout: 20s}
`
const hostsIn = (target = '') => new URL(target, 'http://localhost').searchParams.getAll('host')

test('a HOST with a configuration: check sends every configured address of the host', async () => {
  await using daemon = await fakeDaemon(body)
  const {code, stderr} = await run(['check', 'host1'], {
    env: {PGROUTE66_SOCKET: daemon.socket},
    cwd: await folder(site),
  })
  assert.deepEqual([code, stderr], [0, ''])
  assert.deepEqual(hostsIn(daemon.asked[0]), ['host1@127.0.0.1:1', 'host1@[::1]:1', 'host1@10.1.0.1:1'])
})

test('a group with a configuration: check sends every host of the group', async () => {
  await using daemon = await fakeDaemon(body)
  const options = {env: {PGROUTE66_SOCKET: daemon.socket}, cwd: await folder(site)}
  for (const words of [['--group', 'payments'], []]) await run(['check', ...words, ...patient], options)
  const [one, all] = daemon.asked.map(hostsIn)
  assert.deepEqual(one, ['host3@127.0.0.1:3'])
  assert.equal(all?.length, 5)
})

test("HAProxy's server under another name: check sends the configured name that has the address", async () => {
  await using daemon = await fakeDaemon(body)
  const env = {...haproxy, HAPROXY_SERVER_NAME: 'srv2', PGROUTE66_SOCKET: daemon.socket}
  await run(['check', 'NOT_USED', 'NOT_USED', '127.0.0.1', '2', ...patient], {env, cwd: await folder(site)})
  assert.deepEqual(hostsIn(daemon.asked[0]), ['host2@127.0.0.1:2'])
})

test('a daemon of other hosts on the socket: check asks the servers, and says why', async () => {
  await using daemon = await fakeDaemon(strange)
  const options = {env: {PGROUTE66_SOCKET: daemon.socket}, cwd: await folder(site)}
  const {code, stdout, stderr} = await run(['check', 'host1', '--json', ...patient], options)
  const json = JSON.parse(stdout)
  assert.deepEqual([code, json.via, json.recognised], [3, 'direct', true], stdout)
  assert.ok(json.reason.includes(`${daemon.socket}: this daemon does not watch host1@10.0.0.1:5432`), json.reason)
  assert.match(
    stderr,
    /the daemon cannot be asked .*does not watch host1@10\.0\.0\.1:5432.*check asks the servers instead/,
  )
})

test('a daemon of other hosts and --fallback none: exit 3, and the text says why', async () => {
  await using daemon = await fakeDaemon(strange)
  const options = {env: {PGROUTE66_SOCKET: daemon.socket}, cwd: await folder(site)}
  const {code, stdout} = await run(['check', 'host1', '--fallback', 'none', ...patient], options)
  assert.equal(code, 3)
  assert.match(stdout, /^host1: no daemon answers \(.*does not watch host1@/)
})

test('a daemon of other hosts and no configuration: exit 2, with what to do', async () => {
  await using daemon = await fakeDaemon(strange)
  const options = {env: {...haproxy, PGROUTE66_SOCKET: daemon.socket}, cwd: await folder()}
  const {code, stdout, stderr} = await run(['check', ...fourWords], options)
  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /no daemon of these hosts answers .*does not watch host1@.*\n.*aliases/)
  assert.equal(daemon.asked.length, 1, 'and not asked twice')
})

test('a strange address from HAProxy: check asks again with the configured addresses', async () => {
  await using daemon = await fakeDaemon((target) => (hostsIn(target)[0] === 'host1@192.0.2.1:5432' ? strange : body))
  const options = {env: {...haproxy, PGROUTE66_SOCKET: daemon.socket}, cwd: await folder(site)}
  const {code, stdout, stderr} = await run(['check', ...fourWords], options)
  assert.deepEqual([code, stdout, stderr], [0, 'host1: yes\n', ''])
  assert.deepEqual(
    daemon.asked.map((target) => hostsIn(target)[0]),
    ['host1@192.0.2.1:5432', 'host1@127.0.0.1:1'],
  )
})

test('an older daemon ignores host=: its answer counts, and check warns once', async () => {
  const {recognised: _, ...older} = body
  await using daemon = await fakeDaemon(older)
  const env = {PGROUTE66_SOCKET: daemon.socket}
  const warning =
    /^pgroute66: the daemon at .* is older and cannot tell whether it watches host1@.*: upgrade the daemon\n$/
  for (const [words, more, cwd] of [
    [fourWords, haproxy, await folder()],
    [['host1', ...patient], {}, await folder(site)],
  ] as const) {
    const {code, stdout, stderr} = await run(['check', ...words], {env: {...env, ...more}, cwd})
    assert.deepEqual([code, stdout], [0, 'host1: yes\n'])
    assert.match(stderr, warning)
  }
  const {stderr} = await run(['check', 'host1'], {env, cwd: await folder()})
  assert.equal(stderr, '', 'without a configuration nothing is meant')
})
