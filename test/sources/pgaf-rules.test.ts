import {describe, expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {PgafSettings} from '../../src/core/settings.ts'
import {nodesFrom, nodesSql, type PgafNode} from '../../src/sources/pgaf/formation.ts'
import {assessPgaf, type PgafReading} from '../../src/sources/pgaf/rules.ts'
import {memberIn, NOW, OURS, primary, standby, viewOf} from '../support/records.ts'
import {hostSettings} from '../support/settings.ts'

const settings: PgafSettings = {
  monitor: hostSettings('monitor').connection,
  formation: 'default',
  group: 0,
  nodes: {},
  maxAgeMs: 10_000,
}

/** `host1 primary/draining 900`: a node, what it reports and is assigned, and the age of its report. */
const nodes = (text: string): readonly PgafNode[] =>
  text.split(' | ').map((each) => {
    const [name = '', states = '', age = '100'] = each.split(' ')
    const [reported = '', assigned = ''] = states.split('/')
    return {name, host: name, port: 5432, systemIdentifier: OURS, assigned, reported, reportAgeMs: Number(age)}
  })
const reading = (text: string, ageMs = 10): PgafReading => ({kind: 'nodes', askedAt: NOW - ageMs, nodes: nodes(text)})

type Case = Readonly<{of?: string; hosts?: readonly HostRecord[]; settings?: Partial<PgafSettings>}>
function answerTo(said: PgafReading | null, {of = 'host1', hosts, settings: more = {}}: Case = {}) {
  const view = viewOf(hosts ?? ['host1', 'host2'].map((name) => (name === of ? primary(name) : standby(name, {of}))))
  const question = {view, reading: said, settings: {...settings, ...more}, maxAgeMs: 3_000}
  return assessPgaf({leader: memberIn(view, of), ...question})
}

/** What a real monitor (pg_auto_failover 2.0) said during a switchover and a crash; the right answers. */
const recorded: readonly (readonly [string, host1: string, host2: string])[] = [
  ['host1 wait_primary/wait_primary | host2 catchingup/catchingup', 'confirms', 'denies'],
  ['host1 primary/primary | host2 secondary/secondary', 'confirms', 'denies'],
  ['host1 primary/demote_timeout | host2 prepare_promotion/stop_replication', 'denies', 'denies'],
  ['host1 draining/demote_timeout | host2 prepare_promotion/stop_replication', 'denies', 'denies'],
  ['host1 demote_timeout/demoted | host2 stop_replication/wait_primary', 'denies', 'silent'],
  ['host1 demoted/catchingup | host2 wait_primary/wait_primary', 'denies', 'confirms'],
  ['host1 secondary/secondary | host2 wait_primary/primary', 'denies', 'confirms'],
  ['host1 secondary/secondary | host2 primary/primary', 'denies', 'confirms'],
  ['host1 secondary/secondary | host2 primary/primary 8973', 'denies', 'confirms'],
  ['host1 secondary/secondary | host2 primary/primary 19900', 'denies', 'silent'],
  ['host1 secondary/prepare_promotion | host2 primary/draining 20562', 'denies', 'denies'],
  // host1 is promoted by now; the monitor waits until host2 must have stopped.
  ['host1 stop_replication/stop_replication | host2 primary/demote_timeout 22754', 'denies', 'denies'],
  ['host1 wait_primary/wait_primary | host2 primary/demoted 50812', 'confirms', 'denies'],
]

describe('what a real monitor said, about a host that is a primary by its own word', () => {
  for (const [text, host1, host2] of recorded)
    test(text, () => {
      expect([answerTo(reading(text)).answer, answerTo(reading(text), {of: 'host2'}).answer]).toEqual([host1, host2])
    })
})

const steady = 'host1 primary/primary | host2 secondary/secondary'
const rows: readonly Readonly<{rule: string; given: string; when: PgafReading | null; more?: Case; says: string}>[] = [
  {rule: 'F1', given: 'it was not asked yet', when: null, says: 'silent'},
  {rule: 'F1', given: 'it cannot be asked', when: {kind: 'unreadable', askedAt: NOW, detail: 'why'}, says: 'silent'},
  {rule: 'F1', given: 'its answer is too old', when: reading(steady, 3_001), says: 'silent'},
  {rule: 'F1', given: 'its answer is as old as it may be', when: reading(steady, 3_000), says: 'confirms'},
  {rule: 'F2', given: 'it has no node for the host', when: reading('node_1 primary/primary'), says: 'denies'},
  {
    rule: 'F2',
    given: 'the configuration names the node',
    when: reading('node_1 primary/primary | node_2 secondary/secondary'),
    more: {settings: {nodes: {host1: 'node_1', host2: 'node_2'}}},
    says: 'confirms',
  },
  {
    rule: 'F2',
    given: 'a node has the address of the host, and another one its name',
    when: {
      kind: 'nodes',
      askedAt: NOW,
      nodes: nodes('node_1 primary/primary | host1 secondary/secondary').map((node) =>
        node.name === 'node_1' ? {...node, host: '10.0.0.1'} : {...node, host: '10.0.0.2'},
      ),
    },
    more: {hosts: [primary('host1', {aliases: ['10.0.0.1']}), standby('host2')]},
    says: 'confirms',
  },
  {
    rule: 'F2',
    given: 'the node has the address of the host, and another port',
    when: {kind: 'nodes', askedAt: NOW, nodes: nodes('n primary/primary').map((n) => ({...n, host: 'host1', port: 1}))},
    says: 'denies',
  },
  {
    rule: 'F2',
    given: 'two nodes are the host',
    when: {
      kind: 'nodes',
      askedAt: NOW,
      nodes: nodes('a primary/primary | b secondary/secondary').map((n) => ({...n, host: 'host1'})),
    },
    says: 'denies',
  },
  {
    rule: 'F2',
    given: 'its node is of another cluster',
    when: {kind: 'nodes', askedAt: NOW, nodes: nodes(steady).map((node) => ({...node, systemIdentifier: '1'}))},
    says: 'denies',
  },
  {
    rule: 'F3',
    given: 'two nodes are primaries for it',
    when: reading('host1 primary/primary | host2 wait_primary/wait_primary'),
    says: 'denies',
  },
  ...['single', 'join_primary', 'apply_settings'].map((state) => ({
    rule: 'F4',
    given: `the host is ${state}`,
    when: reading(`host1 ${state}/${state}`),
    says: 'confirms',
  })),
  ...['draining', 'demoted', 'maintenance', 'prepare_maintenance', 'secondary', 'report_lsn', 'dropped'].map(
    (state) => ({
      rule: 'F4',
      given: `the host is assigned ${state}`,
      when: reading(`host1 primary/${state}`),
      says: 'denies',
    }),
  ),
  {
    rule: 'F5',
    given: 'the host reports no primary state yet',
    when: reading('host1 report_lsn/primary'),
    says: 'silent',
  },
  {rule: 'F5', given: 'the report is too old', when: reading('host1 primary/primary 9991'), says: 'silent'},
  {
    rule: 'F5',
    given: 'the report is as old as it may be',
    when: reading('host1 primary/primary 9990'),
    says: 'confirms',
  },
]

for (const {rule, given, when, more, says} of rows)
  test(`${rule} ${says}: given ${given}`, () => {
    const said = answerTo(when, more)
    expect(said.answer, said.why).toBe(says)
    expect(said.why).not.toBe('')
  })

test('a denial names the other primary; one that is a standby by its own word contradicts SQL', () => {
  const text = 'host1 demoted/demoted | host2 primary/primary'
  expect(answerTo(reading(text))).toMatchObject({answer: 'denies', subject: 'host2'})
})

test('the answer is as old as the report, and ends with the report or with the answer of the monitor', () => {
  expect(answerTo(reading('host1 primary/primary 900'))).toMatchObject({
    askedAt: NOW - 910,
    freshUntil: NOW - 10 + 3_000,
  })
  expect(answerTo(reading('host1 primary/primary 8000'))).toMatchObject({freshUntil: NOW - 8_010 + 10_000})
})

test('the question quotes the formation, and rows of the driver become nodes', () => {
  expect(nodesSql({formation: "it's", group: 3})).toContain("formationid = 'it''s' and groupid = 3")
  const row = {nodename: 'n', nodehost: 'h', nodeport: 5432, sysidentifier: '0', goalstate: 'g', reportedstate: 'r'}
  expect(nodesFrom([{...row, report_age_ms: -3}])).toEqual([
    {name: 'n', host: 'h', port: 5432, systemIdentifier: null, assigned: 'g', reported: 'r', reportAgeMs: 0},
  ])
})
