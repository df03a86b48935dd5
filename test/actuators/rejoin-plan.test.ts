import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {forkOf, readHistory} from '../../src/actuators/rejoin/fork.ts'
import {LossCount} from '../../src/actuators/rejoin/loss.ts'
import {withUpstream} from '../../src/actuators/rejoin/own-configuration.ts'
import {type PlanFacts, planRejoin, planText} from '../../src/actuators/rejoin/plan.ts'
import {backupAmong} from '../../src/actuators/rejoin/processes.ts'
import {recordEnd} from '../../src/actuators/rejoin/record-end.ts'
import {isPrimary, type LocalState, readControlData, readMark} from '../../src/actuators/rejoin/state.ts'
import type {RejoinSettings} from '../../src/core/node/rejoin-settings.ts'

const fixture = (name: string) => readFileSync(join(import.meta.dirname, '..', 'fixtures', 'rejoin', name), 'utf8')
const control = readControlData(fixture('controldata.txt'))

const local: LocalState = {
  ...{control, timeline: 2, history: [{timeline: 1, lsn: '0/5000000'}], isRunning: true, hasSignal: false},
  ...{backup: null, manager: null, hasTablespaces: false, isWalElsewhere: false, isMountPoint: false},
  ...{freeBytes: 1e12, archiveFreeBytes: 1e12},
}
const settings: RejoinSettings = {
  ...{pgdata: '/var/lib/postgresql/15/main', bin: '/usr/lib/postgresql/15/bin', configFile: null},
  ...{
    start: [],
    stop: [],
    status: [],
    register: ['/usr/bin/repmgr', '-f', '/etc/repmgr.conf', 'standby', 'register', '--force'],
  },
  ...{sourceUser: 'postgres', replicationUser: 'repmgr', slot: 'repmgr_slot_2', maxLossCommits: 0},
  archive: '/var/lib/postgresql/diverged',
}
const exempt = {databases: new Set(['16390']), relations: new Set(['5/16401'])}
const count = () => new LossCount('0/7016670', exempt, 16 * 1024 * 1024)
const facts = (asked: Partial<PlanFacts['asked']> = {}, more: Partial<LocalState> = {}): PlanFacts => {
  const counted = count()
  for (const line of fixture('waldump.txt').split('\n')) counted.take(line)
  return {
    host: 'host2',
    settings,
    local: {...local, ...more},
    source: {
      ...{name: 'host1', timeline: 3, systemIdentifier: control.systemIdentifier, bytes: 181e6},
      databases: new Map([
        ['5', 'postgres'],
        ['16384', 'app'],
        ['16390', 'repmgr'],
      ]),
      evidence: 'host1 is the primary on timeline 3; host3 streams from it; 2 of 3 peers name it (40 ms old)',
    },
    fork: {timeline: 2, lsn: '0/7016670', loss: counted.result(control.checkpoint, null)},
    asked: {acceptLoss: false, isAuto: false, wantsClone: false, ...asked},
    ...{hasGuard: true, configurationFiles: 4, archiveBytes: 17 * 1024 * 1024, at: Date.UTC(2026, 10, 28, 21, 37)},
  }
}
const planned = (given: PlanFacts) => {
  const plan = planRejoin(given)
  if ('exit' in plan) throw new Error(plan.why)
  return plan
}

test('the plan, in the words of a real host that was stopped', () => {
  expect(planText(planned(facts()), true)).toBe(
    [
      'rejoin (dry run): host2 is a stray primary. Nothing was changed.',
      '  evidence   host1 is the primary on timeline 3; host3 streams from it; 2 of 3 peers name it (40 ms old)',
      '  fork       timeline 2 ended at 0/7016670; this host went on to 0/734EB80',
      '  loss       3,376,400 bytes, 9 commits past the fork: 7 in repmgr (not counted), 2 in app (last 21:37:13 UTC)' +
        '    needs --accept-loss',
      '  1 CHECKPOINT on host1, slot repmgr_slot_2   2 deny in pg_hba.conf, stop (fast)   3 archive 17 MB to ' +
        '/var/lib/postgresql/diverged/20261128T213700Z',
      '  4 mark, pg_rewind from host1 (checksums and wal_log_hints on)   5 put back 4 configuration files, deny   ' +
        '6 follow host1, slot repmgr_slot_2',
      '  7 start, wait until streaming on 3   8 repmgr standby register --force',
    ].join('\n'),
  )
})

describe('which loss is allowed', () => {
  test.each([
    {given: 'an operator without the flag', asked: {}, limit: 9, exit: 1},
    {given: 'an operator with the flag', asked: {acceptLoss: true}, limit: 0, exit: null},
    {given: '--auto at its limit', asked: {isAuto: true}, limit: 2, exit: null},
    {given: '--auto past its limit', asked: {isAuto: true}, limit: 1, exit: 1},
  ])('$given', ({asked, limit, exit}) => {
    const given = facts(asked)
    const {refused} = planned({...given, settings: {...settings, maxLossCommits: limit}})
    expect(refused?.exit ?? null).toBe(exit)
  })

  test('what pg_waldump may have missed is never within a limit', () => {
    const given = facts({isAuto: true})
    const loss = {...given.fork.loss, counted: 0, doubt: 'a file is missing'}
    const {refused, mode} = planned({...given, fork: {...given.fork, loss}})
    expect([refused?.exit, mode]).toEqual([1, 'clone'])
  })
})

describe('which commits count', () => {
  const line = (xid: number, lsn: string, desc: string, manager = 'Heap') =>
    `rmgr: ${manager.padEnd(11)} len (rec/tot):     59/    59, tx:        ${xid}, lsn: ${lsn}, prev 0/0, desc: ${desc}`
  const commit = 'COMMIT 2026-11-28 21:37:13.458608 UTC'
  const lossOf = (...lines: string[]) => {
    const counted = count()
    for (const one of lines) counted.take(one)
    return counted.result(null, null)
  }

  test.each([
    {
      given: 'an insert',
      lines: [line(7, '0/7020000', 'INSERT, blkref #0: rel 1663/5/16384 blk 0')],
      counted: 1,
      oid: '5',
    },
    {
      given: 'the heartbeat alone',
      lines: [line(7, '0/7020000', 'UPDATE, blkref #0: rel 1663/5/16401 blk 0')],
      counted: 0,
      oid: '5',
    },
    {
      given: 'the heartbeat and a table',
      lines: [
        line(7, '0/7020000', 'UPDATE, blkref #0: rel 1663/5/16401 blk 0'),
        line(7, '0/7020050', 'INSERT, blkref #0: rel 1663/5/16384 blk 0'),
      ],
      counted: 1,
      oid: '5',
    },
    {given: 'what was written before the fork', lines: [], counted: 1, oid: null},
    {
      given: 'a role, which all databases share',
      lines: [line(7, '0/7020000', 'INSERT, blkref #0: rel 1664/0/1260 blk 0')],
      counted: 1,
      oid: '0',
    },
    {
      given: 'a new file',
      lines: [line(7, '0/7020000', 'CREATE base/16384/16391', 'Storage')],
      counted: 1,
      oid: '16384',
    },
    {
      given: 'a lock in the database of repmgr',
      lines: [line(7, '0/7020000', 'LOCK xid 7 db 16390 rel 16391', 'Standby')],
      counted: 0,
      oid: '16390',
    },
  ])('$given', ({lines, counted, oid}) => {
    const loss = lossOf(...lines, line(7, '0/7020100', commit, 'Transaction'))
    expect([loss.counted, loss.databases.map((one) => one.oid)]).toEqual([counted, [oid]])
  })

  test('a subtransaction is of its transaction, an abort is none, a prepared one counts when it is committed', () => {
    const loss = lossOf(
      line(8, '0/7020000', 'INSERT, blkref #0: rel 1663/5/16384 blk 0'),
      line(7, '0/7020100', `${commit}; subxacts: 8 9`, 'Transaction'),
      line(10, '0/7020200', 'ABORT 2026-11-28 21:37:13.458608 UTC', 'Transaction'),
      line(11, '0/7020300', 'PREPARE gid x: 2026-11-28 21:37:13.458608 UTC', 'Transaction'),
      line(0, '0/7020400', 'COMMIT_PREPARED 11: 2026-11-28 21:37:14.458608 UTC', 'Transaction'),
    )
    expect(loss.databases).toEqual([
      {oid: '5', isCounted: true, commits: 1},
      {oid: null, isCounted: true, commits: 1},
    ])
  })

  test('a transaction that is still prepared counts: its manager was told that it is safe', () => {
    const prepare = (xid: number, lsn: string) =>
      line(xid, lsn, 'PREPARE gid x: 2026-11-28 21:37:13 UTC', 'Transaction')
    const end = (lsn: string, desc: string) => line(0, lsn, `${desc}: 2026-11-28 21:37:14.458608 UTC`, 'Transaction')
    expect(lossOf(prepare(11, '0/7020300')).counted).toBe(1)
    expect(lossOf(prepare(11, '0/7020300'), end('0/7020400', 'COMMIT_PREPARED 11')).counted).toBe(1)
    expect(lossOf(prepare(11, '0/7020300'), end('0/7020400', 'ABORT_PREPARED 11')).counted).toBe(0)
  })

  test('a commit that begins at the fork is past it; without records nothing is', () => {
    expect(lossOf(line(7, '0/7016670', commit, 'Transaction'))).toMatchObject({end: '0/7016670', past: '0/70166B0'})
    expect(lossOf()).toMatchObject({end: '0/7016670', past: '0/7016670'})
    expect(lossOf(line(0, '0/07016670', 'SWITCH ', 'XLOG')).past).toBe('0/8000000')
  })

  test.each([
    {given: 'a length that is no multiple of eight', lsn: '0/7016670', bytes: 59, past: '0/70166B0'},
    {given: 'the end of a page', lsn: '0/7017FF0', bytes: 16, past: '0/7018000'},
    {given: 'the header of the next page', lsn: '0/7017FF0', bytes: 24, past: '0/7018020'},
    {given: 'two pages more', lsn: '0/7017FF0', bytes: 8208, past: '0/701A030'},
    {given: 'the header of the next segment', lsn: '0/FFFFFFF0', bytes: 24, past: '1/30'},
  ])('the end of a record: $given', ({lsn, bytes, past}) => {
    expect(recordEnd({lsn, bytes, isSwitch: false}, 16 * 1024 * 1024)).toBe(past)
  })

  test('pg_waldump that ends before the checkpoint of pg_control has not read all', () => {
    expect(count().result('0/7300000', null).doubt).toContain('pg_control names a checkpoint at 0/7300000')
    expect(count().result('0/7000000', null).doubt).toBeNull()
  })
})

describe('where the histories part', () => {
  const source = readHistory(
    '1\t0/5000000\tno recovery target specified\n\n2\t0/7016670\tno recovery target specified\n',
  )
  test.each([
    {given: 'an ancestor', timeline: 2, own: '1\t0/5000000\tx', lsn: '0/7016670'},
    {given: 'the first timeline', timeline: 1, own: '', lsn: '0/5000000'},
    {given: 'the same number with another parent', timeline: 2, own: '1\t0/4FFFFF0\tx', lsn: null},
    {given: 'a timeline that the source never had', timeline: 3, own: '1\t0/5000000\tx\n2\t0/8000000\tx', lsn: null},
  ])('$given', ({timeline, own, lsn}) => expect(forkOf(timeline, readHistory(own), source)).toBe(lsn))
})

test.each([
  {state: 'in production', hasSignal: false, primary: true},
  {state: 'shut down', hasSignal: false, primary: true},
  {state: 'in crash recovery', hasSignal: false, primary: true},
  {state: 'shut down', hasSignal: true, primary: false},
  {state: 'in archive recovery', hasSignal: false, primary: false},
  {state: 'shut down in recovery', hasSignal: false, primary: false},
])('a primary? $state, with a signal file: $hasSignal', ({state, hasSignal, primary}) =>
  expect(isPrimary({...local, control: {...control, state}, hasSignal})).toBe(primary),
)

test.each([
  [{isMountPoint: true}, {}, /rewind is impossible: the data directory is a mount point/],
  [{isWalElsewhere: true}, {wantsClone: true}, /pg_wal is a link/],
  [{freeBytes: 1e8}, {wantsClone: true}, /it needs 190 MB beside pgdata, and 96 MB are free/],
  [{archiveFreeBytes: 1e7}, {acceptLoss: true}, /needs 17 MB, and has 10 MB/],
] as const)('9: %o', (more, asked, words) => {
  const plan = planRejoin(facts(asked, more))
  expect([plan, 'exit' in plan && plan.exit, 'why' in plan && plan.why]).toEqual([
    plan,
    9,
    expect.stringMatching(words),
  ])
})

test('postgresql.auto.conf keeps what is not about the upstream', () => {
  const text = "# Do not edit\nwork_mem = '8MB'\nprimary_conninfo = 'host=old'\nPRIMARY_SLOT_NAME = 'repmgr_slot_1'\n"
  expect(withUpstream(text, {conninfo: "host=h password_is='no'", slot: null})).toBe(
    "# Do not edit\nwork_mem = '8MB'\nprimary_conninfo = 'host=h password_is=''no'''\nprimary_slot_name = ''\n",
  )
})

test('a backslash reaches the server as it is', () =>
  expect(withUpstream('', {conninfo: "sslrootcert='/a b\\'s'", slot: null})).toContain(
    "primary_conninfo = 'sslrootcert=''/a b\\\\''s'''",
  ))

test('a mark of another version is none, and a base backup shows in the title of its process', () => {
  expect([readMark('{}'), readMark('x'), readMark('{"schema":2,"archive":"/a"}')]).toEqual([null, null, null])
  const title = 'postgres: walsender postgres 10.0.0.9(5) sending backup "pg_basebackup base backup"'
  expect(
    backupAmong([
      {pid: 1, title: 'postgres: checkpointer'},
      {pid: 2, title},
    ]),
  ).toBe(title)
})
