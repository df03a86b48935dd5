import {mkdtempSync, readFileSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {dump} from 'js-yaml'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {run, start} from '../support/run.ts'
import {lacksPatroni, type PatroniCluster, startPatroni} from './patroni.ts'

/** One after the other, on one real cluster: each test leaves three members that stream. */
describe.skipIf(lacksPatroni)('the commands, on a real Patroni', () => {
  let cluster: PatroniCluster
  let url = ''
  beforeAll(async () => {
    cluster = await startPatroni()
    url = cluster.nodes[0]?.url ?? ''
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const patroni = async (...args: readonly string[]) => {
    const isPlaced = args.some((word) => ['--url', '--etcd', '-c'].includes(word))
    const {code, stdout, stderr, ms} = await run(['patroni', ...args, ...(isPlaced ? [] : ['--url', url])])
    return {code, stdout, stderr, ms, json: () => JSON.parse(stdout)}
  }
  type Listed = {
    leader: string
    members: {member: string; state: string; receiveLagBytes: unknown; sql: unknown}[]
    notes: string[]
  }
  const list = async (...args: readonly string[]): Promise<Listed & {exit: number}> =>
    (await patroni('list', '--json', ...args)).json()
  /** A standby's name. */
  const standby = async () => (await cluster.standbys())[0]?.name ?? ''
  /** Waits for the members; what is waited for is told by a real cluster. */
  const settled = async (isSettled: (listed: Listed & {exit: number}) => boolean, ...args: readonly string[]) => {
    for (let left = 240; left > 0; left--) {
      const listed = await list(...args)
      if (isSettled(listed)) return listed
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    throw new Error(`the members do not settle: ${JSON.stringify(await list())}`)
  }
  const isWhole = ({exit, members}: Listed & {exit: number}) =>
    exit === 0 && members.filter(({state}) => state === 'streaming').length === 2

  test('list, by one URL and by etcd: the same members, the leader, and lags that are known', async () => {
    const {code, stdout} = await patroni('list')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/Leader .*running/)])
    const byUrl = await settled(isWhole)
    const leader = (await cluster.leader()).name
    expect(byUrl).toMatchObject({leader, contradictions: []})
    const byEtcd = await list('--etcd', cluster.etcd.url, '--scope', cluster.scope)
    expect(byEtcd.members.map(({member}) => member)).toEqual(byUrl.members.map(({member}) => member))
    for (const {member, receiveLagBytes} of byUrl.members) {
      if (member === leader) expect(receiveLagBytes).toBeNull()
      else expect(receiveLagBytes).toEqual(expect.any(Number))
    }
  })

  test('switchover: asked for, done, and read from the members', async () => {
    const to = await standby()
    const unasked = await patroni('switchover', '--candidate', to)
    expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringMatching(/not a terminal.*\nAdd --yes/s)])
    const from = (await cluster.leader()).name
    const {code, stdout, stderr} = await patroni('switchover', '--candidate', to, '--yes')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(new RegExp(`Successfully switched over to "${to}". Read: .* leads on timeline 2`))
    expect((await cluster.leader()).name).toBe(to)
    await settled(isWhole)
    const history = (await patroni('history', '--json')).json()
    expect(history).toMatchObject([{timeline: 1, leader: to}])
    const refused = await patroni('switchover', '--leader', from, '--candidate', to, '--yes')
    expect([refused.code, refused.stderr]).toEqual([1, 'refused: leader name does not match\n'])
  })

  test('each refusal is told in the words of Patroni', async () => {
    const leader = (await cluster.leader()).name
    const other = await standby()
    const refusals: readonly [words: string, ...args: string[]][] = [
      ['candidate does not exists', 'switchover', '--candidate', 'node9'],
      ['Cannot schedule switchover in the past', 'switchover', '--scheduled', '2020-01-01T00:00:00+00:00'],
      [
        'Timezone information is mandatory for the scheduled switchover',
        'switchover',
        '--scheduled',
        '2040-01-01T00:00:00',
      ],
      ['Unable to parse scheduled timestamp', 'switchover', '--scheduled', 'soon'],
      ['no switchover is scheduled', 'switchover', '--cancel'],
      ['I am the leader, can not reinitialize', 'reinit', leader],
      ['restart conditions are not satisfied', 'restart', other, '--pending'],
      ['PostgreSQL role should be either', 'restart', other, '--role', 'king'],
    ]
    for (const [words, ...args] of refusals) {
      const {code, stderr} = await patroni(...args, '--yes')
      expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 1, expect.stringContaining(words)])
      expect(stderr).toContain('refused: ')
    }
  })

  test('a scheduled switchover is read back, shown, and cancelled', async () => {
    const to = await standby()
    const planned = await patroni('switchover', '--candidate', to, '--scheduled', '2040-01-01T00:00:00+00:00', '--yes')
    expect([planned.code, planned.stdout]).toEqual([0, expect.stringContaining(`Read: at 2040-01-01T00:00:00+00:00`)])
    const {stdout} = await patroni('list')
    expect(stdout).toMatch(new RegExp(`Switchover scheduled at: 2040-01-01T00:00:00\\+00:00 from .* to ${to}`))
    expect((await patroni('switchover', '--cancel', '--yes')).code).toBe(0)
    expect((await patroni('list')).stdout).not.toContain('Switchover scheduled')
  })

  test('restart: PostgreSQL has started anew', async () => {
    const name = await standby()
    const node = cluster.nodes.find((one) => one.name === name)
    const start = async () => (await node?.sql('select pg_postmaster_start_time()::text as at'))?.[0]?.at
    const before = await start()
    const {code, stdout} = await patroni('restart', name, '--yes')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/restarted successfully. Read: PostgreSQL runs since/)])
    expect(await start()).not.toBe(before)
    await settled(isWhole)
  })

  test('reinit: a standby runs from a new copy, and streams again', async () => {
    const name = await standby()
    const {code, stdout} = await patroni('reinit', name, '--yes')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/reinitialize started. Read: a replica runs since/)])
    await settled(isWhole)
  })

  test('pause and resume: every member tells it', async () => {
    const paused = await patroni('pause', '--yes')
    expect([paused.code, paused.stdout]).toEqual([0, 'Maintenance mode is on. Read: 3 members tell so.\n'])
    expect((await patroni('list')).stdout).toContain('Maintenance mode: on')
    const resumed = await patroni('resume', '--yes')
    expect([resumed.code, resumed.stdout]).toEqual([0, 'Maintenance mode is off. Read: 3 members tell so.\n'])
  })

  test('edit-config: printed, changed, read back; reload: accepted', async () => {
    expect((await patroni('edit-config', '--print')).stdout).toMatch(/^ttl: 20$/m)
    const changed = await patroni('edit-config', '--set', 'maximum_lag_on_failover=2097152', '--yes')
    expect([changed.code, changed.stdout]).toEqual([0, 'Configuration changed. Read: it is as written.\n'])
    const {data} = {data: (await patroni('edit-config', '--print', '--json')).json()}
    expect(data.maximum_lag_on_failover).toBe(2_097_152)
    const reloaded = await patroni('reload', 'node1', '--yes')
    expect([reloaded.code, reloaded.stdout]).toEqual([0, 'node1: reload scheduled\n'])
    const versions = (await patroni('version', '--json')).json() as {patroni: string; postgresql: string}[]
    expect(versions).toHaveLength(3)
    for (const {patroni: version, postgresql} of versions) {
      expect(version).toMatch(/^\d+\.\d+/)
      expect(postgresql).toMatch(/^15\./)
    }
  })

  test('by the group of a configuration, with SQL beside it where the daemon runs', async () => {
    const place = mkdtempSync(join(tmpdir(), 'pgroute66-patroni-list-'))
    const config = join(place, 'pgroute66.yml')
    const host = ({name, address}: {name: string; address: string}) => [
      name.replace('node', 'host'),
      {host: address, user: 'postgres', dbname: 'postgres'},
    ]
    const text = (urls: readonly string[]) =>
      dump({
        hosts: Object.fromEntries(cluster.nodes.map(host)),
        patroni: {
          scope: cluster.scope,
          urls,
          etcd: {endpoints: [cluster.etcd.url, 'http://127.0.0.1:1']},
        },
        bind: '127.0.0.1',
        port: 0,
        socket: join(place, 's.sock'),
        state_dir: place,
      })
    writeFileSync(config, text(cluster.nodes.map((node) => node.url)), {mode: 0o600})
    const without = await patroni('list', '-c', config)
    expect([without.code, without.stdout]).toEqual([0, expect.stringContaining('No column SQL: the daemon at')])
    writeFileSync(join(place, 'keys.yml'), text([]), {mode: 0o600})
    const byKeys = await patroni('list', '--json', '-c', join(place, 'keys.yml'))
    expect(byKeys.json()).toMatchObject({exit: 0, leader: (await cluster.leader()).name, contradictions: []})
    const daemon = start(['serve', '-c', config])
    try {
      await daemon.sees(/listening/)
      const leader = (await cluster.leader()).name
      const {members, exit} = await settled(
        ({members}) => members.every(({sql}) => /^(primary|standby) TL \d+$/.test(String(sql))),
        '-c',
        config,
      )
      expect([exit, members.find(({sql}) => String(sql).startsWith('primary'))?.member]).toEqual([0, leader])
    } finally {
      daemon.child.kill('SIGTERM')
      await daemon.ended
    }
  })

  test('a URL alone is a configuration: config check, serve and check, and a member that was away', async () => {
    const place = mkdtempSync(join(tmpdir(), 'pgroute66-patroni-alone-'))
    const config = join(place, 'pgroute66.yml')
    const more = {bind: '127.0.0.1', port: 0, socket: join(place, 's.sock'), state_dir: place}
    writeFileSync(config, dump({patroni: url, ...more}), {mode: 0o600})
    const env = {PATH: process.env.PATH ?? '', PGUSER: 'postgres'}
    const words = (command: string) => [...command.split(' '), '-c', config]
    const names = cluster.nodes.map(({name}) => name)
    // As before the last member had joined: it streams, and is not known.
    const known = cluster.nodes.slice(0, 2).map(({name, address}) => ({name, host: address, port: 5432}))
    const kept = join(place, 'patroni-members.json')
    const shown = await run(words('config check'), {env})
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringMatching(/^ok/)])
    const daemon = start(['serve', '-c', config], {env})
    try {
      await daemon.sees(/listening/)
      const leader = (await cluster.leader()).name
      const {code, stdout} = await run([...words('check'), '--json', '--timeout', '20s'], {env})
      expect([code, JSON.parse(stdout)]).toMatchObject([
        0,
        {via: 'daemon', text: expect.stringContaining(leader), recognised: true},
      ])
      expect(JSON.parse(readFileSync(kept, 'utf8')).members.map(({name}: {name: string}) => name)).toEqual(names)
      writeFileSync(kept, JSON.stringify({urls: [url], scope: cluster.scope, members: known}))
      const blind = await run([...words('check'), '--direct', '--json', '--timeout', '20s'], {env})
      expect(Object.keys(JSON.parse(blind.stdout).hosts)).toEqual(names.slice(0, 2))
    } finally {
      daemon.child.kill('SIGTERM')
      await daemon.ended
    }
  })

  test('failover: to the named member', async () => {
    const to = await standby()
    const {code, stdout} = await patroni('failover', '--candidate', to, '--yes')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/failed over to ".*". Read: .* leads on timeline 3/)])
    expect((await cluster.leader()).name).toBe(to)
    await settled(isWhole)
  })

  test('while etcd is away, one URL is enough, and the age of the DCS is told', async () => {
    await cluster.configure({failsafe_mode: true})
    await settled(isWhole)
    await cluster.etcd.stop()
    const leader = (await cluster.leader()).name
    const {exit, members} = await settled(({notes}) => notes.some((note) => note.includes('leads by failsafe')))
    expect([exit, members.map(({member}) => member)]).toEqual([0, ['node1', 'node2', 'node3']])
    const {stdout} = await patroni('list')
    expect(stdout).toMatch(/DCS unreachable, seen \d+ s ago by node\d/)
    expect(stdout).toContain(`${leader} leads by failsafe mode, without a lock`)
    await cluster.etcd.start()
    await settled(isWhole)
  })

  test('no member answers: exit 3 for list, 2 for orders, and the address is named', async () => {
    const nowhere = ['--url', 'http://127.0.0.1:1']
    expect((await patroni('list', ...nowhere)).code).toBe(3)
    const order = await patroni('pause', '--yes', ...nowhere)
    expect([order.code, order.stderr]).toEqual([2, expect.stringContaining('127.0.0.1:1')])
  })
})
