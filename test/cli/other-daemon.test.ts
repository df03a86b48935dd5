import assert from 'node:assert/strict'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'vitest'
import {fakeDaemon} from '../support/fake-daemon.ts'
import {type RunOptions, run} from '../support/run.ts'

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

/**
 * One check of a fake daemon. Without flags a check has two seconds, and 400 ms for the daemon: where
 * a busy machine takes longer, it is run again.
 */
async function checked(answer: Parameters<typeof fakeDaemon>[0], words: readonly string[], options: RunOptions) {
  for (let tries = 20; ; tries -= 1) {
    await using daemon = await fakeDaemon(answer)
    const ran = await run(['check', ...words], {...options, env: {...options.env, PGROUTE66_SOCKET: daemon.socket}})
    const isLate = /no answer within/.test(ran.stdout + ran.stderr)
    if (tries === 0 || !isLate) return {...ran, asked: [...daemon.asked]}
  }
}

test('a HOST with a configuration: check sends every configured address of the host', async () => {
  const {code, stderr, asked} = await checked(body, ['host1'], {cwd: await folder(site)})
  assert.deepEqual([code, stderr], [0, ''])
  assert.deepEqual(hostsIn(asked[0]), ['host1@127.0.0.1:1', 'host1@[::1]:1', 'host1@10.1.0.1:1'])
})

test('a group with a configuration: check sends every host of the group', async () => {
  const cwd = await folder(site)
  const {asked: one} = await checked(body, ['--group', 'payments', ...patient], {cwd})
  assert.deepEqual(hostsIn(one[0]), ['host3@127.0.0.1:3'])
  const {asked: all} = await checked(body, patient, {cwd})
  assert.equal(hostsIn(all[0]).length, 5)
})

test("HAProxy's server under another name: check sends the configured name that has the address", async () => {
  const options = {env: {...haproxy, HAPROXY_SERVER_NAME: 'srv2'}, cwd: await folder(site)}
  const {asked} = await checked(body, ['NOT_USED', 'NOT_USED', '127.0.0.1', '2', ...patient], options)
  assert.deepEqual(hostsIn(asked[0]), ['host2@127.0.0.1:2'])
})

test('a daemon of other hosts on the socket: check asks the servers, and says why', async () => {
  const {code, stdout, stderr} = await checked(strange, ['host1', '--json', ...patient], {cwd: await folder(site)})
  const json = JSON.parse(stdout)
  assert.deepEqual([code, json.via, json.recognised], [3, 'direct', true], stdout)
  assert.match(json.reason, /\.sock: this daemon does not watch host1@10\.0\.0\.1:5432/)
  assert.match(
    stderr,
    /the daemon cannot be asked .*does not watch host1@10\.0\.0\.1:5432.*check asks the servers instead/,
  )
})

test('a daemon of other hosts and --fallback none: exit 3, and the text says why', async () => {
  const words = ['host1', '--fallback', 'none', ...patient]
  const {code, stdout} = await checked(strange, words, {cwd: await folder(site)})
  assert.equal(code, 3)
  assert.match(stdout, /^host1: no daemon answers \(.*does not watch host1@/)
})

test('a daemon of other hosts and no configuration: exit 2, with what to do', async () => {
  const options = {env: haproxy, cwd: await folder()}
  const {code, stdout, stderr, asked} = await checked(strange, fourWords, options)
  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /no daemon of these hosts answers .*does not watch host1@.*\n.*aliases/)
  assert.equal(asked.length, 1, 'and not asked twice')
})

test('a strange address from HAProxy: check asks again with the configured addresses', async () => {
  const options = {env: haproxy, cwd: await folder(site)}
  const answer = (target: string) => (hostsIn(target)[0] === 'host1@192.0.2.1:5432' ? strange : body)
  const {code, stdout, stderr, asked} = await checked(answer, fourWords, options)
  assert.deepEqual([code, stdout, stderr], [0, 'host1: yes\n', ''])
  assert.deepEqual(
    asked.map((target) => hostsIn(target)[0]),
    ['host1@192.0.2.1:5432', 'host1@127.0.0.1:1'],
  )
})

test('an older daemon ignores host=: its answer counts, and check warns once', async () => {
  const {recognised: _, ...older} = body
  const warning =
    /^pgroute66: the daemon at .* is older and cannot tell whether it watches host1@.*: upgrade the daemon\n$/
  for (const [words, env, cwd] of [
    [fourWords, haproxy, await folder()],
    [['host1'], {}, await folder(site)],
  ] as const) {
    const {code, stdout, stderr} = await checked(older, words, {env, cwd})
    assert.deepEqual([code, stdout], [0, 'host1: yes\n'])
    assert.match(stderr, warning)
  }
  const {stderr} = await checked(older, ['host1'], {cwd: await folder()})
  assert.equal(stderr, '', 'without a configuration no host is meant')
})

test('watch: a daemon of other hosts counts as none, which is said, and the hosts are asked', async () => {
  await using daemon = await fakeDaemon(strange)
  const cwd = await folder(site)
  const {code, stdout, stderr} = await run(['watch', '--once'], {cwd, env: {PGROUTE66_SOCKET: daemon.socket}})
  assert.equal(code, 0, stderr)
  assert.match(stderr, /no daemon answers for these hosts \(.*does not watch host1@.*\); watch asks the hosts itself/)
  assert.match(stdout, /host1 .*unavailable/)
  assert.equal(hostsIn(daemon.asked[0]).length, 5)
  const silent = await run(['watch', '--once', '--direct'], {cwd, env: {PGROUTE66_SOCKET: daemon.socket}})
  assert.deepEqual([silent.code, silent.stderr, daemon.asked.length], [0, '', 1])
})
