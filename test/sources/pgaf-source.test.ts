import {expect, test} from 'vitest'
import type {SqlFailure, SqlRows, SqlSession} from '../../src/core/evidence/sql-session.ts'
import {PgafSource} from '../../src/sources/pgaf/pgaf-source.ts'
import {memberIn, NOW, OURS, primary, standby, viewOf} from '../support/records.ts'
import {hostSettings, probeSettings} from '../support/settings.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

const row = (nodename: string, state: string) => ({
  ...{nodename, nodehost: nodename, nodeport: 5432, sysidentifier: OURS},
  ...{goalstate: state, reportedstate: state, report_age_ms: 500},
})
const steady: SqlRows = [row('host1', 'primary'), row('host2', 'secondary')]

async function staged() {
  const clock = new VirtualClock()
  await clock.run(NOW - clock.now())
  const monitor = {says: steady as SqlRows | SqlFailure, asked: 0, sessions: 0, isGone: false}
  const gone: SqlFailure = {cause: 'refused', detail: 'nothing listens', sqlstate: null}
  const open = async (): Promise<SqlSession | SqlFailure> => {
    if (monitor.isGone) return gone
    monitor.sessions += 1
    return {
      get isOver() {
        return monitor.isGone
      },
      close: () => {},
      async ask() {
        monitor.asked += 1
        return monitor.isGone ? gone : monitor.says
      },
    }
  }
  const logged: string[] = []
  const say = (_: object, message: string) => void logged.push(message)
  const source = new PgafSource({
    group: 'all',
    settings: {monitor: hostSettings('m').connection, formation: 'default', group: 0, nodes: {}, maxAgeMs: 10_000},
    probe: probeSettings,
    open,
    clock,
    random: () => 0,
    log: {debug: say, info: say, warn: say, error: say},
  })
  let news = 0
  source.subscribe(() => {
    news += 1
  })
  const assess = () => {
    const view = viewOf(
      [primary('host1', {ageMs: NOW - clock.now()}), standby('host2', {of: 'host1', ageMs: NOW - clock.now()})],
      null,
      clock.now(),
    )
    return source.assess(memberIn(view, 'host1'), view)
  }
  return {clock, source, monitor, assess, logged, news: () => news}
}

test('asks on one session, tells of news once, and leaves nothing behind', async () => {
  const {clock, source, monitor, assess, news} = await staged()
  await clock.run(10)
  expect(assess()).toMatchObject({answer: 'confirms', why: 'host1 reports primary, and is assigned primary'})
  await clock.run(10_000)
  expect([news(), monitor.sessions]).toEqual([1, 1])
  expect(monitor.asked).toBeLessThan(15)
  monitor.says = [row('host1', 'draining'), row('host2', 'wait_primary')]
  await clock.run(1_100)
  expect(news()).toBe(2)
  expect(assess()).toMatchObject({answer: 'denies', subject: 'host2'})
  await clock.through(source[Symbol.asyncDispose]())
  expect(clock.pending).toBe(0)
})

test('a monitor that is gone is silent once its last answer is too old', async () => {
  const {clock, monitor, assess} = await staged()
  await clock.run(10)
  monitor.isGone = true
  await clock.run(2_000)
  expect(assess().answer).toBe('confirms')
  await clock.run(2_000)
  expect(assess()).toMatchObject({answer: 'silent', why: expect.stringContaining('cannot be asked: nothing listens')})
  monitor.isGone = false
  await clock.run(1_100)
  expect(assess().answer).toBe('confirms')
})

test('what the role may not read counts at once, and is told once with the GRANT', async () => {
  const {clock, monitor, assess, logged} = await staged()
  await clock.run(10)
  monitor.says = {cause: 'auth', detail: 'permission denied', sqlstate: '42501'}
  await clock.run(1_100)
  expect(assess().answer).toBe('silent')
  await clock.run(60_000)
  expect(assess()).toMatchObject({
    answer: 'silent',
    why: expect.stringContaining('GRANT USAGE ON SCHEMA pgautofailover'),
  })
  expect(logged).toHaveLength(1)
  monitor.says = steady
  await clock.run(11_000)
  expect(assess().answer).toBe('confirms')
  expect(logged.at(-1)).toBe('all: the monitor of pg_auto_failover can be asked')
})
