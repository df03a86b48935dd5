import {describe, expect, onTestFinished, test} from 'vitest'
import {pgbouncerText, tryPgbouncers} from '../../src/actuators/pgbouncer/connection-test.ts'
import {IncludeFiles} from '../../src/actuators/pgbouncer/include-file.ts'
import type {Actuator} from '../../src/core/actuator.ts'
import type {Snapshot} from '../../src/core/snapshot.ts'
import {connectionOpener} from '../../src/sources/pg/connection.ts'
import {systemClock} from '../../src/system/clock.ts'
import {until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import type {Pgbouncer} from '../support/pgbouncer.ts'
import {startTcpProxy} from '../support/tcp-proxy.ts'
import {actuatorFor, app, client, nowhere, options, pgbouncer, pgbouncerStage, whereIs} from './pgbouncer-stage.ts'

const shared = {settings: ['so_reuseport = 1'], isOnSocket: true}

/** Two processes on one port, with one include file; each has a unix socket of its own. */
async function twoOnOnePort() {
  const first = await pgbouncer(shared)
  return [first, await pgbouncer({...shared, beside: first})] as const
}
/** Two processes behind a proxy, with one include file; also the PgBouncer that the proxy looks like. */
async function twoBehindOneAddress() {
  const first = await pgbouncer({isOnSocket: true})
  const second = await pgbouncer({isOnSocket: true, include: first.include})
  const proxy = await startTcpProxy(first.port, second.port)
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  return {first, second, proxy, address: overTcp(first, proxy.port)}
}
const overTcp = (running: Pgbouncer, port = running.port): Pick<Pgbouncer, 'admin' | 'include'> => ({
  admin: {...running.admin, host: '127.0.0.1', port},
  include: running.include,
})
function ending(actuator: Actuator): Actuator {
  onTestFinished(() => actuator[Symbol.asyncDispose]())
  return actuator
}

const trials = (...all: readonly Pick<Pgbouncer, 'admin' | 'include'>[]) =>
  tryPgbouncers(
    all.map(({admin, include}) => ({admin, include, databases: {app}, pauseMs: null})),
    connectionOpener(systemClock),
    systemClock,
  )

test.skipIf(lacks('PgBouncer'))('config check --connect: a shared address is a problem, a socket is none', async () => {
  const both = await twoOnOnePort()
  const {address} = await twoBehindOneAddress()
  const gone = await pgbouncer()
  await gone.stop()
  const found = await trials(...both, overTcp(both[0]), address, gone)
  expect(found.map(({problems}) => problems)).toEqual([
    [],
    [],
    [expect.stringContaining('so_reuseport is 1')],
    [expect.stringContaining('leads to several PgBouncer processes')],
    [expect.stringContaining('does not run at the address of admin')],
  ])
  expect(pgbouncerText(found).at(0)).toMatch(/^pgbouncer \S+:\d+ {2}PgBouncer 1\.\d+, fine$/)
  expect(pgbouncerText(found).at(3)).toMatch(/^ {2}so_reuseport is 1/)
})

test.skipIf(lacks('PgBouncer'))('config check --connect: a user who may only look is a problem', async () => {
  const running = await pgbouncer({settings: ['admin_users = boss', 'stats_users = postgres']})
  expect(await trials(running)).toMatchObject([
    {version: expect.stringMatching(/^1\.\d+/), problems: [expect.stringMatching(/"postgres" may read.*admin_users/)]},
  ])
})

describe.skipIf(lacks('PgBouncer') || lacks('PostgreSQL 15'))('an address is not a process', () => {
  const {at, led, noPrimary, port} = pgbouncerStage()
  const leads = (all: readonly Pgbouncer[]) => Promise.all(all.map((each) => each.leads('app')))

  /** Applies until both processes lead to `where`; returns every step and problem. */
  async function bothLead(all: readonly Pgbouncer[], where: string, actuator: Actuator, seen: Snapshot) {
    const steps: string[] = []
    const problems = new Set<string>()
    await until(async () => {
      const applied = await actuator.apply(seen, options)
      steps.push(...applied.steps)
      for (const problem of applied.problems) problems.add(problem)
      expect(applied.outcome).toBe('failed')
      return (await leads(all)).every((each) => each === where)
    })
    return {steps, problems: [...problems]}
  }

  test('so_reuseport over TCP: no PAUSE, the problem names the sockets, and RELOAD goes on', async () => {
    const both = await twoOnOnePort()
    const actuator = ending(actuatorFor(overTcp(both[0])))
    const first = await bothLead(both, at('host1'), actuator, led('host1'))
    expect(first.problems).toContain(
      `so_reuseport is 1, so 127.0.0.1:${both[0].port} may lead to several PgBouncer processes: pgroute66 pauses no ` +
        'database there, and RELOAD may miss a process. Write one entry for each process, with its unix_socket_dir ' +
        `(${both
          .map(({folder}) => folder)
          .toSorted()
          .join(', ')}) as host in admin`,
    )
    const clients = await Promise.all(both.map((each) => client(each)))
    const second = await bothLead(both, at('host2'), actuator, led('host2'))
    const third = await bothLead(both, nowhere, actuator, noPrimary())
    expect([...second.steps, ...third.steps].filter((step) => /PAUSE|KILL|RESUME/.test(step))).toEqual([])
    await bothLead(both, at('host1'), actuator, led('host1'))
    for (const each of clients) expect((await each.query(whereIs)).rows).toEqual([{port: port('host1')}])
  })

  test('one entry for each process: both are paused, the file is written once, and all clients go on', async () => {
    const both = await twoOnOnePort()
    const files = new IncludeFiles()
    const actuators = both.map((each) => ending(actuatorFor(each, {files})))
    const pass = (seen: Snapshot) => Promise.all(actuators.map((each) => each.apply(seen, options)))
    await pass(led('host1'))
    const clients = await Promise.all(both.map((each) => client(each)))
    const passes = await pass(led('host2'))
    expect(passes.map(({outcome, problems}) => [outcome, problems])).toEqual([
      ['applied', []],
      ['applied', []],
    ])
    for (const {steps} of passes)
      expect(steps.filter((step) => !step.startsWith('write'))).toEqual(['PAUSE app', 'RELOAD', 'RESUME app'])
    expect(passes.flatMap(({steps}) => steps).filter((step) => step.startsWith('write'))).toHaveLength(1)
    expect(await leads(both)).toEqual([at('host2'), at('host2')])
    for (const each of clients) expect((await each.query(whereIs)).rows).toEqual([{port: port('host2')}])
  })

  test('the second process is paused too when the first entry has written the file long before', async () => {
    const both = await twoOnOnePort()
    const files = new IncludeFiles()
    const [one, two] = both.map((each) => ending(actuatorFor(each, {files})))
    for (const each of [one, two]) await each?.apply(led('host1'), options)
    await one?.apply(led('host2'), options)
    expect(await leads(both)).toEqual([at('host2'), at('host1')])
    expect((await two?.apply(led('host2'), options))?.steps).toEqual(['PAUSE app', 'RELOAD', 'RESUME app'])
    for (const each of [one, two]) await each?.apply(noPrimary(), options)
    expect(await leads(both)).toEqual([`${at('host2')} paused`, `${at('host2')} paused`])
  })

  test('a service address: another process behind it is found by its sessions, and nothing is paused', async () => {
    const {first, second, address} = await twoBehindOneAddress()
    const actuator = ending(actuatorFor(address))
    const {problems} = await bothLead([first, second], at('host1'), actuator, led('host1'))
    const found = problems.filter((problem) => problem.includes('leads to several PgBouncer processes: '))
    expect(found[0]).toContain(`127.0.0.1:${address.admin.port} leads`)
    expect(found.at(-1)).toContain(`(${[first.folder, second.folder].toSorted().join(', ')}) as host in admin`)
    const {steps} = await bothLead([first, second], at('host2'), actuator, led('host2'))
    expect(steps.filter((step) => /PAUSE|KILL|RESUME/.test(step))).toEqual([])
  })

  test.each(['waits', 'is answered'])(
    'every session ends while PAUSE %s, and new ones reach another process: RESUME goes to the paused one',
    async (how) => {
      const {first, second, proxy, address} = await twoBehindOneAddress()
      proxy.leadTo(first.port)
      const actuator = ending(actuatorFor(address))
      await actuator.apply(led('host1'), options)
      await second.ask('RELOAD')
      const busy = await client(first)
      if (how === 'waits') await busy.query('begin')
      await busy.query(whereIs)
      await actuator.apply(noPrimary(), options)
      expect(await leads([first, second])).toEqual([`${at('host1')} paused`, at('host1')])
      proxy.leadTo(second.port)
      proxy.cut()
      await actuator.apply(noPrimary(), options)
      expect(await first.leads('app')).toBe(`${at('host1')} paused`)
      proxy.leadTo(second.port, first.port)
      if (how === 'waits') await busy.query('commit')
      await until(async () => {
        await actuator.apply(led('host2'), options)
        return (await leads([first, second])).every((each) => each === at('host2'))
      })
      expect((await busy.query(whereIs)).rows).toEqual([{port: port('host2')}])
    },
  )

  test('every session ends while PAUSE waits: RESUME is given in a new one', async () => {
    const {first, proxy, address} = await twoBehindOneAddress()
    proxy.leadTo(first.port)
    const actuator = ending(actuatorFor(address))
    await actuator.apply(led('host1'), options)
    const busy = await client(first)
    await busy.query('begin')
    await busy.query(whereIs)
    expect((await actuator.apply(led('host2'), options)).problems).toEqual([
      expect.stringContaining(`transactions at ${at('host1')} end`),
    ])
    proxy.cut()
    await busy.query('commit')
    await until(async () => (await actuator.apply(led('host2'), options)).outcome === 'in-sync')
    expect(await first.leads('app')).toBe(at('host2'))
  })

  test('a daemon that stops looks for the process that it has paused', async () => {
    const {first, second, proxy, address} = await twoBehindOneAddress()
    proxy.leadTo(first.port)
    const actuator = actuatorFor(address)
    await actuator.apply(led('host1'), options)
    await actuator.apply(noPrimary(), options)
    expect(await first.leads('app')).toBe(`${at('host1')} paused`)
    proxy.leadTo(second.port, first.port)
    proxy.cut()
    await actuator.apply(noPrimary(), options)
    proxy.leadTo(second.port, second.port, first.port)
    await actuator[Symbol.asyncDispose]()
    expect(await first.leads('app')).toBe(nowhere)
  })

  test('a second process that appears later is found, and an earlier pause is no reason to resume there', async () => {
    const {first, second, proxy, address} = await twoBehindOneAddress()
    proxy.leadTo(first.port)
    const actuator = ending(actuatorFor(address))
    await actuator.apply(led('host1'), options)
    await second.ask('RELOAD')
    await second.ask('PAUSE app')
    const busy = await client(first)
    await busy.query('begin')
    await busy.query(whereIs)
    await actuator.apply(led('host2'), options)
    expect(await first.leads('app')).toBe(`${at('host2')} paused`)
    // The PAUSE waits in the first session, the only one that is left.
    proxy.leadTo(second.port)
    proxy.cut(0)
    await until(async () => {
      const {problems} = await actuator.apply(led('host2'), options)
      return problems.some((problem) => problem.includes('leads to several PgBouncer processes'))
    })
    expect(await leads([first, second])).toEqual([`${at('host2')} paused`, `${at('host2')} paused`])
    proxy.leadTo(second.port, first.port)
    await busy.query('commit')
    await until(async () => {
      await actuator.apply(led('host2'), options)
      return (await first.leads('app')) === at('host2')
    })
    expect(await second.leads('app')).toBe(`${at('host2')} paused`)
  })

  test('a service address that moves to another process while the first one lives: nothing is paused', async () => {
    const {first, second, proxy, address} = await twoBehindOneAddress()
    proxy.leadTo(first.port)
    const actuator = ending(actuatorFor(address))
    await actuator.apply(led('host1'), options)
    await second.ask('RELOAD')
    proxy.leadTo(second.port)
    const {steps, problems} = await actuator.apply(led('host2'), options)
    expect(problems).toContainEqual(expect.stringContaining('leads to several PgBouncer processes'))
    expect(steps).not.toContain('PAUSE app')
  })

  test('a PgBouncer that is started anew is no second process', async () => {
    const running = await pgbouncer()
    const actuator = ending(actuatorFor(running))
    await actuator.apply(led('host1'), options)
    await running.stop()
    await running.start()
    expect((await actuator.apply(led('host2'), options)).problems).toEqual([])
    expect((await actuator.apply(noPrimary(), options)).steps).toContain('PAUSE app')
  })
})
