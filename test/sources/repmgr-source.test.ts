import {describe, expect, test} from 'vitest'
import type {SqlFailure, SqlSession} from '../../src/core/evidence/sql-session.ts'
import type {GroupView} from '../../src/core/facts/group-view.ts'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import {NodeTables} from '../../src/core/ha-tools/repmgr.ts'
import {RepmgrSource} from '../../src/sources/repmgr/repmgr-source.ts'
import type {NodeRow} from '../../src/sources/repmgr/table.ts'
import {memberIn, NOW, primary, standby, viewOf} from '../support/records.ts'
import {repmgrSettings, rows} from '../support/repmgr-recordings.ts'
import {hostSettings, probeSettings} from '../support/settings.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

const failure = (sqlstate: string | null, cause: SqlFailure['cause'] = 'error'): SqlFailure => ({
  cause,
  detail: 'as the server says',
  sqlstate,
})

/** The database of repmgr on one host, as a test sets it. */
class FakeTable {
  says: readonly NodeRow[] | SqlFailure | 'hangs'
  /** Why no session can be opened. */
  refusal: SqlFailure | null = null
  delayMs = 1
  asked = 0
  underWay = 0
  most = 0
  sessions: {isOver: boolean}[] = []
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock, says: readonly NodeRow[]) {
    this.#clock = clock
    this.says = says
  }

  readonly open = async (): Promise<SqlSession | SqlFailure> => {
    if (this.refusal !== null) return this.refusal
    const session = {isOver: false}
    this.sessions.push(session)
    return {
      get isOver() {
        return session.isOver
      },
      close: () => {
        session.isOver = true
      },
      ask: async (text, signal) => {
        expect(text).toBe('select node_id, node_name, type, active, location from repmgr.nodes order by node_id')
        this.asked += 1
        this.underWay += 1
        this.most = Math.max(this.most, this.underWay)
        const limitMs = this.says === 'hangs' ? 1_000 : this.delayMs
        await new Promise<void>((resolve) => {
          this.#clock.after(limitMs, resolve)
          signal.addEventListener('abort', () => resolve())
        })
        this.underWay -= 1
        if (this.says === 'hangs') session.isOver = true
        if (this.says === 'hangs') return failure(null, 'timeout')
        return 'cause' in this.says
          ? this.says
          : this.says.map(({id, name, ...row}) => ({node_id: id, node_name: name, ...row}))
      },
    }
  }
}

const named = 'a=P+ b=S+ c=S+ w=W+'

async function staged(says = named) {
  const clock = new VirtualClock()
  await clock.run(NOW - clock.now())
  const tables = new Map(['a', 'b', 'c'].map((host) => [host, new FakeTable(clock, rows(says))]))
  const logged: string[] = []
  const nodeTables = new NodeTables()
  const say = (_: object, message: string) => void logged.push(message)
  const source = new RepmgrSource({
    group: 'all',
    hosts: [...tables.keys()].map((name) => hostSettings(name)),
    settings: repmgrSettings,
    probe: probeSettings,
    followersMaxAgeMs: 10_000,
    open: ({name}) => (tables.get(name) as FakeTable).open,
    clock,
    random: () => 0,
    log: {debug: say, info: say, warn: say, error: say},
    tables: nodeTables,
  })
  let news = 0
  source.subscribe(() => {
    news += 1
  })
  const fresh = (ageMs: number): readonly HostRecord[] => [
    primary('a', {ageMs}),
    standby('b', {of: 'a', ageMs}),
    standby('c', {of: 'a', ageMs}),
  ]
  /** As of now, of hosts that have just answered. */
  const view = (hosts = fresh(NOW - clock.now())): GroupView => viewOf(hosts, null, clock.now())
  const assess = (of = 'a', hosts?: readonly HostRecord[]) => source.assess(memberIn(view(hosts), of), view(hosts))
  const table = (host: string) => tables.get(host) as FakeTable
  return {clock, source, tables, table, assess, logged, nodeTables, news: () => news}
}

describe('source repmgr', () => {
  test('reads each table on a session that it keeps, and confirms', async () => {
    const {clock, source, tables, assess} = await staged()
    expect(assess().answer).toBe('silent')
    await clock.run(50)
    expect(assess()).toMatchObject({answer: 'confirms', subject: 'a'})
    await clock.run(10_000)
    for (const {sessions} of tables.values()) expect(sessions).toHaveLength(1)
    await clock.through(source[Symbol.asyncDispose]())
    for (const {sessions} of tables.values()) expect(sessions).toEqual([{isOver: true}])
    expect(clock.pending).toBe(0)
  })

  test('tells of news once, not of each answer that is the same', async () => {
    const {clock, table, news} = await staged()
    await clock.run(50)
    const before = news()
    await clock.run(5_000)
    expect(news()).toBe(before)
    table('b').says = rows('a=P- b=P+ c=S+ w=W+')
    await clock.run(1_100)
    expect(news()).toBe(before + 1)
  })

  test('the age counts from the moment at which the question left', async () => {
    const {clock, table, assess} = await staged()
    table('a').delayMs = 900
    await clock.run(901)
    expect(assess()).toMatchObject({answer: 'confirms', askedAt: NOW, freshUntil: NOW + 3_000})
  })

  test('passes on whom each table names, until it cannot be read', async () => {
    const {clock, table, nodeTables} = await staged()
    table('a').delayMs = 900
    await clock.run(901)
    expect(nodeTables.primariesOf('all', 'a')).toEqual({names: ['a'], askedAt: NOW})
    table('b').says = rows('A_x=P+ b=P+ c=S+ w=W+')
    await clock.run(1_100)
    expect(nodeTables.primariesOf('all', 'b')?.names).toEqual(['a-x', 'b'])
    table('b').says = failure('42501')
    await clock.run(1_100)
    expect(nodeTables.primariesOf('all', 'b')).toBeNull()
    expect(nodeTables.primariesOf('other', 'a')).toBeNull()
  })

  test('a server that hangs costs one question and one session at a time', async () => {
    const {clock, table, assess} = await staged()
    await clock.run(50)
    table('b').says = 'hangs'
    for (let second = 0; second < 20; second += 1) {
      assess()
      await clock.run(1_000)
    }
    expect(table('b').most).toBe(1)
    expect(table('b').sessions.filter(({isOver}) => !isOver).length).toBeLessThanOrEqual(1)
  })

  test('what was read stays in force until it is too old, also where the session ends', async () => {
    const {clock, table, assess} = await staged()
    await clock.run(50)
    assess()
    await clock.run(50)
    expect(assess().answer).toBe('confirms')
    table('a').refusal = failure(null, 'closed')
    for (const session of table('a').sessions) session.isOver = true
    await clock.run(2_000)
    expect(assess().answer).toBe('confirms')
    await clock.run(2_100)
    expect(assess()).toMatchObject({
      answer: 'silent',
      why: expect.stringContaining('repmgr.nodes in database "repmgr"'),
    })
  })

  test.each([
    ['42501', 'GRANT SELECT (node_id, node_name, type, active, location) ON repmgr.nodes TO pgroute66;'],
    ['42P01', 'set repmgr.schema'],
    ['3F000', 'set repmgr.schema'],
    ['3D000', 'set repmgr.dbname'],
  ])('%s counts at once, is told once, and is asked about every ten seconds', async (sqlstate, advice) => {
    const {clock, table, assess, logged} = await staged()
    await clock.run(50)
    table('a').says = failure(sqlstate, 'auth')
    await clock.run(1_100)
    expect(assess()).toMatchObject({answer: 'silent', why: expect.stringContaining(advice)})
    await clock.run(60_000)
    expect(logged.filter((line) => line.includes(advice))).toHaveLength(1)
    const before = table('a').asked
    await clock.run(60_000)
    expect(table('a').asked - before).toBeLessThanOrEqual(7)
    table('a').says = rows(named)
    await clock.run(11_000)
    expect(assess().answer).toBe('confirms')
    expect(logged.at(-1)).toBe('a: the table of repmgr can be read')
  })

  test('asks at once when another primary is looked at', async () => {
    const {clock, table, assess} = await staged()
    await clock.run(500)
    assess()
    await clock.run(10_450)
    const before = table('b').asked
    assess('b', [standby('a', {ageMs: 0}), primary('b', {ageMs: 0, timeline: 2}), standby('c', {ageMs: 0})])
    await clock.run(5)
    expect(table('b').asked).toBe(before + 1)
  })

  test('asks fast while a primary is not confirmed, for a minute at most', async () => {
    const {clock, table, assess} = await staged('a=P+ b=S+ c=S+ d=S- e=S- f=S-')
    const perSecond = async () => {
      const before = table('a').asked
      for (let tenth = 0; tenth < 10; tenth += 1) {
        expect(assess().answer).not.toBe('confirms')
        await clock.run(100)
      }
      return table('a').asked - before
    }
    expect(await perSecond()).toBeGreaterThan(5)
    await clock.run(60_000)
    expect(await perSecond()).toBe(1)
  })

  test('two rivals that are looked at in turn do not make it spin', async () => {
    const {clock, table, assess} = await staged()
    const hosts = () => [primary('a'), primary('b', {timeline: 2}), standby('c', {of: 'b', timeline: 2})]
    await clock.run(100)
    const before = table('c').asked
    for (let round = 0; round < 1_000; round += 1) {
      assess('a', hosts())
      assess('b', hosts())
      await clock.run(1)
    }
    expect(table('c').asked - before).toBeLessThan(30)
  })

  test('fewer than three data nodes are told of once', async () => {
    const {clock, assess, logged} = await staged('a=P+ b=S+ w=W+')
    assess()
    await clock.run(5_000)
    assess()
    await clock.run(5_000)
    expect(logged.filter((line) => line.includes('repmgr has 2 data nodes in location mr'))).toHaveLength(1)
  })
})
