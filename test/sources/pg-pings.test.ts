import {beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import type {Failure} from '../../src/core/facts/observation.ts'
import {type HostDriver, type HostSession, isFailure, type Pings} from '../../src/core/ports.ts'
import {ofVersion, testedVersions} from '../lab/postgresql.ts'
import {followersOf, type PgNode, testCluster, until as untilTrue} from '../support/cluster.ts'
import {type SyncMood, startSyncProxy} from '../support/sync-proxy.ts'
import {driverFor, hasDebian, type Server, startServer, startStandby, until, whileFrozen, within} from './pg-server.ts'

async function opened(driver: HostDriver): Promise<HostSession> {
  const session = await driver.open(within())
  if (isFailure(session)) throw new Error(`${session.cause}: ${session.detail}`)
  onTestFinished(() => session.close())
  return session
}

function pingsOf({pings}: HostSession): Pings {
  if (pings === null) throw new Error('this session is not pinged')
  return pings
}

/** Sends a ping and waits for its answer; what was heard until then. */
async function ping(pings: Pings): Promise<Readonly<{tripMs: number; changes: number}>> {
  let changes = 0
  const {promise, resolve} = Promise.withResolvers<number>()
  pings.listen({
    answered: resolve,
    changed: () => {
      changes += 1
    },
  })
  pings.send()
  const tripMs = await promise
  return {tripMs, changes}
}

const probe = (session: HostSession) => session.probe({nudge: false}, within())
const ended = (session: HostSession) => new Promise<Failure>((resolve) => session.onClosed(resolve))

describe.skipIf(!hasDebian)('pings of PostgreSQL 15', () => {
  let primary: Server
  let standby: Server
  beforeAll(async () => {
    primary = await startServer()
    standby = await startStandby(primary)
  })

  test('a hundred pings are answered; PostgreSQL logs nothing, and nothing is said to have changed', async () => {
    let changes = 0
    const lines = await primary.logDuring(async () => {
      const session = await opened(driverFor({port: primary.port}))
      for (let turn = 0; turn < 100; turn += 1) changes += (await ping(pingsOf(session))).changes
      session.close()
    })
    expect([lines, changes]).toEqual([[], 0])
  })

  test('thousands of pings without a probe are no answer that is too long', async () => {
    const session = await opened(driverFor({port: primary.port}))
    // Each is answered by six bytes, and one question by 64 kB at most.
    for (let turn = 0; turn < 12_000; turn += 1) await ping(pingsOf(session))
    expect(await probe(session)).toMatchObject({inRecovery: false})
  })

  test('a ping and a probe in one breath: each gets its own answer, in either order', async () => {
    const session = await opened(driverFor({port: primary.port}))
    const pings = pingsOf(session)
    for (let turn = 0; turn < 50; turn += 1) {
      const answered = ping(pings)
      expect(pings.sentAt).not.toBeNull()
      const facts = await probe(session)
      expect(facts).toMatchObject({inRecovery: false, timeline: 1})
      await answered
      expect(pings.sentAt).toBeNull()
    }
    const facts = probe(session)
    pings.send()
    expect(pings.sentAt).toBeNull()
    expect(await facts).toMatchObject({inRecovery: false})
  })

  test('a ping that is not answered yet holds the next question back, and both are answered', async () => {
    const session = await opened(driverFor({port: primary.port}))
    const pings = pingsOf(session)
    await ping(pings)
    const {backendPid} = session.facts
    const facts = await whileFrozen(primary, [backendPid], async () => {
      pings.send()
      await until(
        () => primary.sql(`select state from pg_stat_activity where pid = ${backendPid}`),
        (state) => state === 'idle',
      )
      expect(pings.sentAt).not.toBeNull()
      return {asked: probe(session)}
    })
    expect(await facts.asked).toMatchObject({inRecovery: false})
    expect(pings.sentAt).toBeNull()
  })

  test('the session is terminated while a ping is under way: the word of the server is heard', async () => {
    const session = await opened(driverFor({port: primary.port}))
    await ping(pingsOf(session))
    const {backendPid} = session.facts
    const end = ended(session)
    await whileFrozen(primary, [backendPid], async () => {
      primary.sql(`select pg_terminate_backend(${backendPid})`)
      pingsOf(session).send()
    })
    expect(await end).toMatchObject({cause: 'closed', isOrdered: true})
  })

  test('another parameter that the server reports changes: that is told too', async () => {
    const session = await opened(driverFor({port: primary.port}))
    await ping(pingsOf(session))
    primary.sql("alter system set timezone = 'Asia/Tokyo'")
    primary.sql('select pg_reload_conf()')
    await until(
      () => ping(pingsOf(session)),
      ({changes}) => changes > 0,
    )
  })

  test('where it is unknown whether a pooler lies between, nothing is pinged', async () => {
    primary.sql('create role unsure login')
    primary.sql('revoke execute on function pg_backend_pid() from public')
    onTestFinished(() => void primary.sql('grant execute on function pg_backend_pid() to public'))
    const session = await opened(driverFor({port: primary.port, user: 'unsure'}))
    expect(session.pings).toBeNull()
  })

  describe('what lies between', () => {
    const through = async (mood: SyncMood) => {
      const proxy = await startSyncProxy(standby.port, mood)
      onTestFinished(() => proxy[Symbol.asyncDispose]())
      const warnings: string[] = []
      return {proxy, warnings, driver: driverFor({port: proxy.port}, {}, (text) => void warnings.push(text))}
    }

    test('swallows pings: after two sessions whose first ping was lost, the next one is not pinged', async () => {
      const {driver, warnings} = await through('swallows')
      for (let trial = 0; trial < 2; trial += 1) {
        const session = await opened(driver)
        const pings = pingsOf(session)
        pings.send()
        expect(pings.isProven).toBe(false)
        expect(warnings).toEqual([])
        session.close()
      }
      const third = await opened(driver)
      expect(third.pings).toBeNull()
      expect(await probe(third)).toMatchObject({inRecovery: true})
      expect(warnings).toEqual([expect.stringContaining('does not pass a bare Sync on')])
    })

    test('ends the session at a ping: that counts in the same way', async () => {
      const {driver, warnings} = await through('closes')
      for (let trial = 0; trial < 2; trial += 1) {
        const session = await opened(driver)
        const end = ended(session)
        pingsOf(session).send()
        expect(await end).toMatchObject({cause: 'closed'})
      }
      expect((await opened(driver)).pings).toBeNull()
      expect(warnings.length).toBe(1)
    })

    test('loses one ping of a session that had answered others: the host goes on being pinged', async () => {
      const {driver, proxy} = await through('passes')
      for (let trial = 0; trial < 3; trial += 1) {
        proxy.mood = 'passes'
        const session = await opened(driver)
        await ping(pingsOf(session))
        proxy.mood = 'swallows'
        pingsOf(session).send()
        session.close()
      }
      expect((await opened(driver)).pings).not.toBeNull()
    })

    test('is slow: a late answer widens the limits, a quick one does not narrow them', async () => {
      const {driver, proxy} = await through({delayMs: 400})
      const session = await opened(driver)
      const pings = pingsOf(session)
      for (let turn = 0; turn < 3; turn += 1) expect((await ping(pings)).tripMs).toBeGreaterThanOrEqual(400)
      const after = driver.limitMs(100, 2)
      expect(after).toBeGreaterThan(1_000)
      proxy.mood = 'passes'
      for (let turn = 0; turn < 50; turn += 1) await ping(pings)
      // One that a busy machine made slow may widen them again.
      expect(driver.limitMs(100, 2)).toBeGreaterThanOrEqual(after)
    })
  })
})

test.each(testedVersions)('PostgreSQL %s: the first ping after a promotion tells of it', async (version) => {
  const cluster = await testCluster({nodes: 2, ...(await ofVersion(version))})
  const [host1, host2] = cluster.nodes as readonly [PgNode, PgNode]
  await untilTrue(async () => (await followersOf(host1)).join() === 'host2')
  const session = await opened(driverFor({port: host2.port, user: 'pgroute66'}))
  if (session.facts.serverVersion < 140_000) return expect(session.pings).toBeNull()
  const pings = pingsOf(session)
  expect((await ping(pings)).changes).toBe(0)
  expect(await probe(session)).toMatchObject({inRecovery: true})
  await host2.promote()
  expect((await ping(pings)).changes).toBe(1)
  expect(await probe(session)).toMatchObject({inRecovery: false})
  expect((await ping(pings)).changes).toBe(0)
})
