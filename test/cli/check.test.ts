import assert from 'node:assert/strict'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'vitest'
import {type Cluster, hostsYaml, type PgNode, testCluster, until} from '../support/cluster.ts'
import {run} from '../support/run.ts'

/** Three streaming nodes, a configuration for them, and `check` without a daemon. */
async function site(more = '', timeout = '20s') {
  const cluster = await testCluster()
  const [host1, host2, host3] = cluster.nodes as readonly [PgNode, PgNode, PgNode]
  await until(async () => (await host1.sql("select from pg_stat_replication where state = 'streaming'")).length === 2)
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-check-'))
  await writeFile(join(cwd, 'pgroute66.yml'), `${hostsYaml(cluster)}\n${more}\n`, {mode: 0o600})
  const check = (...args: string[]) => run(['check', ...args, '--timeout', timeout], {cwd})
  return {cluster, cwd, host1, host2, host3, check, dsn: dsnOf(cluster)}
}
const dsnOf = ({nodes}: Cluster) =>
  `host=${nodes.map(() => '127.0.0.1').join()} port=${nodes.map(({port}) => port).join()} user=pgroute66 ` +
  'dbname=postgres'

test('a healthy group: host by host, as a whole, by a connection string; then its primary crashes', async () => {
  const {cluster, host1, host2, check, dsn} = await site()
  const said = async (...args: string[]) => {
    const {code, stdout} = await check(...args)
    return [code, stdout.split('\n')[0]]
  }
  assert.deepEqual(await said('host1'), [0, 'host1: the only primary; 2 of 2 other hosts stream from it'])
  assert.deepEqual(await said('host2'), [
    1,
    'host2: a standby; host1 is the only primary; 2 of 2 other hosts stream from it',
  ])
  assert.deepEqual((await said('host2', '--role', 'standby', '--max-lag', '16MB'))[0], 0)
  assert.deepEqual((await said('host1', '--role', 'standby'))[0], 1)
  assert.deepEqual((await said('host1', '--role', 'any'))[0], 0)
  assert.deepEqual((await said('--role', 'standby'))[0], 0)
  assert.deepEqual(await said(), [0, 'host1 is the only primary; 2 of 2 other hosts stream from it'])
  assert.equal((await said(dsn))[0], 0)
  assert.equal((await said(`postgres://pgroute66@127.0.0.1:${host2.port}/postgres`, '--role', 'standby'))[0], 0)

  const json = JSON.parse((await check('host2', '--json')).stdout)
  assert.deepEqual([json.exit, json.ok, json.host, json.asked, json.via], [1, false, 'host2', 'primary', 'direct'])
  assert.equal(json.verdict.routed_to, 'host1')
  assert.equal(json.hosts.host2.role, 'standby')

  const other = await run(['check', 'pg7', '127.0.0.1', '127.0.0.1', `${host2.port}`], {
    env: {HAPROXY_SERVER_NAME: 'pg7'},
  })
  assert.equal(other.code, 2, 'HAProxy finds no configuration there')

  await host1.kill()
  assert.match(String((await said('host1'))[1]), /^host1: unavailable \(refused/)
  assert.equal((await said('host1'))[0], 3)
  assert.equal((await said('host2'))[0], 1)
  assert.equal((await said())[0], 5)
  assert.deepEqual((await said('--format', 'nagios'))[0], 2)
  await cluster[Symbol.asyncDispose]()
})

test('split brain: check fails for every host as primary, and standbys stay readable', async () => {
  const {host2, check} = await site()
  await host2.promote()
  for (const host of ['host1', 'host2', 'host3']) {
    const {code, stdout} = await check(host)
    assert.equal(code, 4, stdout)
    assert.match(stdout, /host1.*host2/)
  }
  assert.equal((await check()).code, 4)
  assert.equal((await check('host3', '--role', 'standby')).code, 0)
  assert.equal((await check('--format', 'nagios')).code, 2)
})

test('a frozen primary is unavailable within the timeout of check, and delays no other host', async () => {
  const {host1, check} = await site('', '5s')
  host1.hang()
  const [primary, standby] = [await check('host1'), await check('host2', '--role', 'standby')]
  host1.thaw()
  assert.equal(primary.code, 3, primary.stdout)
  assert.match(primary.stdout, /^host1: unavailable \((timeout|hung)/)
  assert.ok(primary.ms < 15_000, `${primary.ms}`)
  assert.equal(standby.code, 0, standby.stdout)
})

test('check heeds the memory of serve: a primary below the highest timeline seen is not confirmed', async () => {
  const {host1, check, cwd} = await site('check: {timeout: 20s}\nstate_dir: state')
  assert.equal((await check('host1')).code, 0)
  const {mkdir} = await import('node:fs/promises')
  await mkdir(join(cwd, 'state'))
  const group = {systemIdentifier: null, highestTimeline: 7, rivals: [], accepted: null}
  await writeFile(join(cwd, 'state', 'memory.json'), JSON.stringify({schema: 1, groups: {all: group}, drains: {}}))
  const {code, stdout} = await check('host1')
  assert.equal(code, 4, stdout)
  assert.match(stdout, /timeline 7 was seen before/)
  await writeFile(join(cwd, 'state', 'memory.json'), '{')
  const {code: broken, stderr} = await check('host1')
  assert.equal(broken, 2)
  assert.match(stderr, /memory\.json does not hold what pgroute66 wrote/)
  assert.ok(host1.isRunning)
})

test("HAProxy's arguments: by name, else by address and port; the backend says the role", async () => {
  const {host1, host2, cwd} = await site('check: {timeout: 20s}\nhaproxy: {backends: {pg_read: replica}}')
  const ask = (name: string, node: PgNode, proxy: string) =>
    run(['check', 'NOT_USED', 'NOT_USED', '127.0.0.1', `${node.port}`], {
      cwd,
      env: {PATH: '', HAPROXY_SERVER_NAME: name, HAPROXY_PROXY_NAME: proxy},
    })
  assert.equal((await ask('host1', host1, 'pg_write')).code, 0)
  assert.equal((await ask('host2', host2, 'pg_write')).code, 1)
  assert.equal((await ask('pg-a', host1, 'pg_write')).code, 0)
  assert.equal((await ask('pg-b', host2, 'pg_read')).code, 0)
  assert.equal((await ask('pg-a', host1, 'pg_read')).code, 1)
  const stranger = await run(['check', 'NOT_USED', 'NOT_USED', '127.0.0.1', '1'], {
    cwd,
    env: {HAPROXY_SERVER_NAME: 'pg-c'},
  })
  assert.equal(stranger.code, 2)
  assert.match(stranger.stderr, /no host "pg-c", nor one at 127\.0\.0\.1:1/)
})
