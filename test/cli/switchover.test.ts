import {mkdtemp, readdir, readFile, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {type Cluster, followersOf, hostsYaml, type PgNode, rejoin, startTestCluster, until} from '../support/cluster.ts'
import {type Haproxy, startHaproxy} from '../support/haproxy.ts'
import {Mover} from '../support/mover.ts'
import {lacks} from '../support/parts.ts'
import {Pgbench} from '../support/pgbench.ts'
import {type Pgbouncer, pgbouncerPassword, startPgbouncer} from '../support/pgbouncer.ts'
import {run, type Started, start} from '../support/run.ts'
import {freePort} from '../support/site.ts'

const isLacking = lacks('PgBouncer') || lacks('HAProxy') || lacks('PostgreSQL 15')

/** One after the other, on one cluster: each test leaves a primary and a standby that streams. */
describe.skipIf(isLacking)('switchover, by a command', () => {
  const parts = new AsyncDisposableStack()
  let cluster: Cluster
  let pgbouncer: Pgbouncer
  let haproxy: Haproxy
  let mover: Mover
  let folder = ''
  let serve: Started
  let [from, to] = ['host1', 'host2']
  const node = (name: string): PgNode => cluster.node(name)
  const startServe = async () => {
    serve = start(['serve', '-c', 'pgroute66.yml'], {cwd: folder, limitMs: 900_000})
    await serve.sees('listening')
  }
  const options = () => ({cwd: folder, env: {USER: 'anna', PATH: process.env.PATH ?? ''}})
  const words = (...more: readonly string[]) => [
    'switchover',
    to,
    '--yes',
    '--json',
    ...more,
    '--via',
    'run',
    '--',
    ...mover.command,
  ]
  const leads = (name: string, state = '') =>
    until(async () => (await pgbouncer.leads('app')) === `127.0.0.1:${node(name).port}${state}`)
  const isUp = (name: string) => until(async () => (await haproxy.states())[`pg_write/${name}`] === 'no check')
  /** Each router leads to `name`, and no client waits. */
  const isBack = async (name: string) => {
    await leads(name)
    await isUp(name)
    const kept = async () => {
      const files = (await readdir(join(folder, 'state'))).filter(
        (file) => file.endsWith('.json') && file.startsWith('held-'),
      )
      return Promise.all(files.map((file) => readFile(join(folder, 'state', file), 'utf8')))
    }
    expect(await kept()).toHaveLength(1)
    await until(async () => (await kept()).every((text) => text === '{}\n'))
  }
  /** A client of PgBouncer that writes, and waits as long as it has to. */
  const writes = async () => {
    const client = await pgbouncer.connect('app')
    const {rows} = await client.query('insert into written (port) values (inet_server_port()) returning port')
    await client.end()
    return rows[0]?.port
  }

  beforeAll(async () => {
    cluster = parts.use(await startTestCluster({nodes: 2}))
    await node('host1').sql('create table written (port int)')
    pgbouncer = parts.use(await startPgbouncer({settings: ['max_client_conn = 200']}))
    const servers = cluster.nodes.map(({name, port}) => `    server ${name} 127.0.0.1:${port} disabled`).join('\n')
    haproxy = parts.use(
      await startHaproxy(
        `defaults\n    mode tcp\n    timeout connect 2s\n    timeout client 1h\n    timeout server 1h\n` +
          `listen pg_write\n    bind 127.0.0.1:{port:write}\n${servers}\n`,
      ),
    )
    mover = parts.use(await Mover.start(cluster))
    folder = await mkdtemp(join(tmpdir(), 'pgroute66-switchover-'))
    const admin = `postgres://postgres:${pgbouncerPassword}@127.0.0.1:${pgbouncer.port}/pgbouncer?sslmode=disable`
    const databases = '{app: {role: primary, dbname: postgres}}'
    const lines = [
      hostsYaml(cluster),
      `port: ${await freePort()}`,
      'socket: run.sock',
      'state_dir: state',
      'probe: {timeout: 3s, max_age: 6s}',
      `haproxy: {backends: {pg_write: primary}, instances: [{socket: ${haproxy.socket}}]}`,
      `pgbouncer: [{admin: "${admin}", include: ${pgbouncer.include}, databases: ${databases}}]`,
    ]
    await writeFile(join(folder, 'pgroute66.yml'), lines.join('\n'), {mode: 0o600})
    await startServe()
    await leads('host1')
    await isUp('host1')
  }, 180_000)
  afterAll(async () => {
    serve?.child.kill('SIGKILL')
    await parts.disposeAsync()
  })

  test('clients of PgBouncer wait and see no error, and every router leads to the new primary', async () => {
    await using clients = await Pgbench.start({
      port: pgbouncer.port,
      database: 'app',
      clients: 30,
      password: pgbouncerPassword,
      rate: 200,
      statement: 'insert into written (port) values (inet_server_port())',
    })
    const count = async (name: string) => Number((await node(name).sql('select count(*) from written'))[0]?.count)
    await until(async () => (await count('host1')) > 50)
    mover.moving = 'switches'
    const {code, stdout, stderr} = await run(words('--deadline', '120s', '--drain', '60s'), options())
    expect([code, stderr.includes('all clients wait [W5]')]).toEqual([0, true])
    const answer = JSON.parse(stdout)
    expect(answer).toMatchObject({ok: true, from: 'host1', to: 'host2', end: 'done', routed_to: 'host2'})
    expect(answer.steps.map(({id}: {id: string}) => id)).toEqual(['W5', 'W8', 'W13'])
    await isBack('host2')
    expect((await haproxy.states())['pg_write/host1']).toBe('MAINT')
    const before = await count('host2')
    await until(async () => (await count('host2')) > before + 50)
    expect((await clients.end()).errors).toEqual([])
    await rejoin(node('host1'), node('host2'))
    await until(async () => (await followersOf(node('host2'))).includes('host1'))
    ;[from, to] = ['host2', 'host1']
  })

  test('preflight: what speaks against it is told, and nothing is touched', async () => {
    const client = await node(from).connect()
    await client.query('begin; select pg_current_xact_id()')
    await until(async () => {
      const [row] = await node(from).sql(
        "select now() - xact_start > '2 s' as is_old from pg_stat_activity where state = 'idle in transaction'",
      )
      return row?.is_old === true
    })
    const long = await run(words('--drain', '1s'), options())
    await client.end()
    expect([long.code, long.stdout]).toEqual([2, expect.stringMatching(/older than --drain 1s.*idle in transaction/)])
    const primary = await run(['switchover', from, '--yes', '--via', 'run', '--', 'true'], options())
    expect([primary.code, primary.stderr]).toEqual([2, expect.stringContaining(`${from} is the primary already`)])
    const none = await run(['switchover', to, '--yes'], options())
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('the configuration names no HA tool')])
    const plan = await run(['switchover', '--dry-run', '--via', 'run', '--', 'true'], options())
    expect([plan.code, plan.stdout]).toEqual([0, `all: from ${from} to ${to}, by the command true\n`])
    expect(pgbouncer.output.split(`PAUSE 'app' command issued`).length - 1).toBe(1)
  })

  test('a tool that fails: everything is back at once, and clients waited', async () => {
    mover.moving = 'fails'
    const before = pgbouncer.output.split(`PAUSE 'app' command issued`).length
    const {code, stderr, stdout} = await run(words('--deadline', '120s', '--drain', '60s'), options())
    expect([code, JSON.parse(stdout)]).toEqual([1, expect.objectContaining({end: 'back', routed_to: from})])
    expect(stderr).toContain('the tool failed, and the primary is as before [W11]')
    expect(pgbouncer.output.split(`PAUSE 'app' command issued`).length).toBe(before + 1)
    await isBack(from)
    expect(await writes()).toBe(node(from).port)
  })

  test('a tool that hangs: everything is back at the deadline, and clients waited', async () => {
    mover.moving = 'hangs'
    const waiting = run(words('--deadline', '12s', '--drain', '10s'), options())
    await leads(from, ' paused')
    const written = writes()
    const {code, stderr, stdout} = await waiting
    expect([code, JSON.parse(stdout)]).toEqual([1, expect.objectContaining({end: 'back', routed_to: from})])
    expect(stderr).toMatch(/before the deadline \[W12\]|no longer holds the clients \[W10\]/)
    expect(await written).toBe(node(from).port)
    await isBack(from)
  })

  test('transactions that do not end: nothing is ordered, and they are named', async () => {
    mover.moving = 'switches'
    const orders = mover.orders.length
    const client = await pgbouncer.connect('app')
    await client.query('begin')
    const {code, stdout} = await run(words('--drain', '10s'), options())
    await client.query('commit')
    await client.end()
    expect([code, JSON.parse(stdout)]).toEqual([
      1,
      expect.objectContaining({
        open: expect.arrayContaining([expect.stringMatching(/1 transactions of database "app" go on/)]),
      }),
    ])
    expect(mover.orders.length).toBe(orders)
    await isBack(from)
  })

  test('the command dies in the middle: the daemon lets the clients go on', async () => {
    mover.moving = 'hangs'
    const command = start(words('--deadline', '120s'), options())
    await command.sees('all clients wait')
    await leads(from, ' paused')
    command.child.kill('SIGKILL')
    expect(await writes()).toBe(node(from).port)
    await isBack(from)
    expect(serve.output()).toContain('the command that asked for it is silent')
    mover.fail()
    await command.ended
  })

  test('the daemon dies in the middle: the next daemon lets the clients go on, and the command says so', async () => {
    mover.moving = 'hangs'
    const command = start(words('--deadline', '120s'), options())
    await command.sees('all clients wait')
    await leads(from, ' paused')
    serve.child.kill('SIGKILL')
    await serve.ended
    expect(await pgbouncer.leads('app')).toContain('paused')
    await startServe()
    expect(await writes()).toBe(node(from).port)
    await isBack(from)
    mover.fail()
    const {code} = await command.ended
    expect([code, command.output()]).toEqual([
      1,
      expect.stringContaining('the daemon no longer holds the clients [W10]'),
    ])
  })

  test('the daemon dies and stays away: at the deadline the command lets the clients go on', async () => {
    mover.moving = 'hangs'
    const command = start(words('--deadline', '12s', '--drain', '10s'), options())
    await command.sees('all clients wait')
    await leads(from, ' paused')
    serve.child.kill('SIGKILL')
    await serve.ended
    const {code, stderr} = await command.ended
    expect([code, stderr]).toEqual([4, expect.stringMatching(/clients of app go on.*\n|W17/s)])
    expect(await writes()).toBe(node(from).port)
    await startServe()
    await isBack(from)
  })
})
