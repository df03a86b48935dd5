import assert from 'node:assert/strict'
import {mkdtemp, readFile, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {onTestFinished, test} from 'vitest'
import {type Cluster, followersOf, hostsYaml, type PgNode, testCluster, until} from '../support/cluster.ts'
import {hasHaproxy, startHaproxy} from '../support/haproxy.ts'
import {run, runJs, start} from '../support/run.ts'
import {freePort} from '../support/site.ts'

/** A cluster of two, and a running daemon for it: its folder has the configuration and the socket. */
async function site(hosts: (cluster: Cluster) => string, more: string) {
  const cluster = await testCluster({nodes: 2})
  const [first, second] = cluster.nodes as readonly [PgNode, PgNode]
  await until(async () => (await followersOf(first)).length === 1)
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-clusters-'))
  const text = `${hosts(cluster)}\nport: ${await freePort()}\nprobe: {timeout: 3s, max_age: 6s}\n${more}\n`
  await writeFile(join(cwd, 'pgroute66.yml'), text, {mode: 0o600})
  const serve = start(['serve', '-c', 'pgroute66.yml'], {cwd, limitMs: 600_000})
  onTestFinished(() => void serve.child.kill('SIGKILL'))
  await serve.sees('listening')
  const reload = async (next: string) => {
    const before = serve.output().split('configuration reloaded').length
    await writeFile(join(cwd, 'pgroute66.yml'), next)
    serve.child.kill('SIGHUP')
    await until(() => serve.output().split('configuration reloaded').length > before, 60_000)
  }
  return {cwd, first, second, serve, text, reload}
}

/** The same names, and the other way round: their host2 is a primary, and ours is a standby. */
const theirNames = (cluster: Cluster) =>
  hostsYaml({...cluster, nodes: cluster.nodes.toReversed().map((node, index) => named(node, `host${index + 1}`))})
const named = (node: PgNode, name: string): PgNode =>
  new Proxy(node, {get: (of, key) => (key === 'name' ? name : Reflect.get(of, key, of))})

type Said = Readonly<{code: number | null; via: string; recognised: boolean; reason: string | null; stderr: string}>

/** The first answer that is as wanted; else the last one. */
async function eventually(ask: () => Promise<Said>, isWanted: (said: Said) => boolean): Promise<Said> {
  for (let tries = 5; ; tries -= 1) {
    const said = await ask()
    if (isWanted(said) || tries === 0) return said
  }
}

test('two clusters with the same names, and the socket is the daemon of the other', {timeout: 600_000}, async () => {
  const theirs = await site(theirNames, 'socket: theirs.sock\ncontrol_socket: off.sock')
  const ours = await site((cluster) => hostsYaml(cluster), 'haproxy: {backends: {pg_write: primary}}')
  const socket = join(theirs.cwd, 'theirs.sock')
  const env = {PGROUTE66_SOCKET: socket}
  const check = (...words: string[]) => run(['check', ...words, '--timeout', '60s'], {cwd: ours.cwd, env})
  const json = async (...words: string[]): Promise<Said> => {
    const {code, stdout, stderr} = await check(...words, '--json')
    return {code, ...JSON.parse(stdout), stderr}
  }
  const plain = (await run(['check', 'host2', '--timeout', '60s'], {env, cwd: '/'})).code
  assert.equal(plain, 0, 'their host2 is a primary, and without a configuration no host is meant')

  // A busy machine may take longer than check waits for a daemon.
  const viaPort = await eventually(
    () => json('host2'),
    ({via}) => via === 'daemon',
  )
  assert.deepEqual([viaPort.code, viaPort.recognised, viaPort.reason], [1, true, null], 'our daemon, on its port')
  ours.serve.child.kill('SIGTERM')
  await ours.serve.ended
  const isHeard = ({reason}: Said) => reason?.includes('does not watch') ?? false
  const {code, via, recognised, reason, stderr} = await eventually(() => json('host2'), isHeard)
  assert.deepEqual([code, via, recognised], [1, 'direct', true])
  assert.match(
    reason ?? '',
    /theirs\.sock: this daemon does not watch host2@127\.0\.0\.1:\d+ \(here host2 is 127\.0\.0\.1:\d+\)/,
  )
  assert.match(stderr, /the daemon cannot be asked .*does not watch host2@/)
  assert.deepEqual([(await check('host1')).code, (await check()).code], [0, 0])
  assert.equal((await check('host1', '--fallback', 'none')).code, 3)
  // Their own check goes on as before.
  assert.equal((await run(['check', 'host2', '--timeout', '60s'], {cwd: theirs.cwd})).code, 0)

  // With other names the question ended with "there is no host".
  await theirs.reload(theirs.text.replaceAll(/\bhost(\d): /g, 'db$1: '))
  const other = await eventually(() => json('host2'), isHeard)
  assert.deepEqual([other.code, other.via], [1, 'direct'])
  assert.match(other.reason ?? '', /does not watch host2@127\.0\.0\.1:\d+ \(its hosts: db1, db2\)/)
  assert.equal((await check('host1')).code, 0)
  await theirs.reload(theirs.text)

  if (!hasHaproxy) return
  const servers = [ours.first, ours.second].map(
    ({port}, index) => `    server host${index + 1} 127.0.0.1:${port} check inter 20s fastinter 10s fall 1 rise 1`,
  )
  await writeFile(
    join(ours.cwd, 'check.sh'),
    `#!/bin/sh\ncd ${ours.cwd}\nPGROUTE66_SOCKET=${socket} exec ${process.execPath} ${runJs} check "$@" >> said 2>&1\n`,
    {mode: 0o755},
  )
  const haproxy = await startHaproxy(
    [
      '    external-check\n    insecure-fork-wanted\ndefaults\n    mode tcp\n    timeout connect 1s',
      '    timeout client 1s\n    timeout server 1s\nbackend pg_write\n    option external-check',
      `    external-check command ${ours.cwd}/check.sh`,
      ...servers,
      '',
    ].join('\n'),
  )
  onTestFinished(() => haproxy[Symbol.asyncDispose]())
  const saidOf = (host: string) => new RegExp(`^${host}: `, 'm')
  // HAProxy begins with every server up: first each server has to have been checked.
  await until(async () => {
    const said = await readFile(join(ours.cwd, 'said'), 'utf8').catch(() => '')
    return ['host1', 'host2'].every((host) => saidOf(host).test(said))
  }, 120_000)
  await until(async () => (await haproxy.states())['pg_write/host2'] === 'DOWN', 60_000)
  assert.equal((await haproxy.states())['pg_write/host1'], 'UP')
})
