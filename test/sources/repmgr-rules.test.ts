import {describe, expect, test} from 'vitest'
import type {SourceAnswer} from '../../src/core/evidence/evidence-source.ts'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {RepmgrSettings} from '../../src/core/settings.ts'
import {assessRepmgr} from '../../src/sources/repmgr/rules.ts'
import type {Reading} from '../../src/sources/repmgr/table.ts'
import {failing, MAX_AGE, memberIn, NOW, primary, standby, viewOf} from '../support/records.ts'
import {repmgrSettings, situations, table} from '../support/repmgr-recordings.ts'

type Case = Readonly<{
  hosts: readonly HostRecord[]
  tables: Readonly<Record<string, Reading>>
  of?: string
  settings?: Partial<RepmgrSettings>
  followersMaxAgeMs?: number
}>

function answerTo({hosts, tables, of = 'a', settings = {}, followersMaxAgeMs = 5_000}: Case): SourceAnswer {
  const view = viewOf(hosts)
  return assessRepmgr({
    leader: memberIn(view, of),
    view,
    readings: new Map(Object.entries(tables)),
    settings: {...repmgrSettings, ...settings},
    limits: {maxAgeMs: MAX_AGE, followersMaxAgeMs},
  })
}

describe('the recorded situations of a real cluster', () => {
  const recorded = situations()
  test('there are all of them', () => expect(recorded).toHaveLength(31))

  for (const {name, hosts, readings, expected} of recorded)
    test(name, () => {
      const primaries = hosts.filter(({observation}) => observation?.kind === 'facts' && !observation.facts.inRecovery)
      const said = primaries.map(({settings}) => {
        const of = settings.name
        // The primaries of the recordings were not nudged.
        return [of, answerTo({hosts, tables: Object.fromEntries(readings), of, followersMaxAgeMs: 30_000}).answer]
      })
      expect(Object.fromEntries(said)).toEqual(expected)
    })

  test('a primary that is cut off is not confirmed once its standbys hear no more from it', () => {
    const cut = recorded.find(({name}) => name.startsWith('05a'))
    if (cut === undefined) throw new Error('no such situation')
    expect(answerTo({...cut, tables: Object.fromEntries(cut.readings), of: 'n1'}).answer).toBe('silent')
  })
})

const named = 'a=P+ b=S+ c=S+ w=W+'
const all = {a: table(named), b: table(named), c: table(named)}
const [a, b, c] = [primary('a'), standby('b', {of: 'a'}), standby('c', {of: 'a'})]
const unreadable: Reading = {kind: 'unreadable', askedAt: NOW - 10, detail: 'it cannot be read', isBlind: true}
const promoted = (ago: number, seenBefore = true) => ({
  more: {primarySince: NOW - ago, answersSince: seenBefore ? NOW - 60_000 : NOW - ago + 1},
})

/** The table with the location of one node in capitals. */
const inCapitals = (node: string, reading: Reading): Reading =>
  reading.kind === 'unreadable'
    ? reading
    : {
        ...reading,
        rows: reading.rows.map((row) => (row.name === node ? {...row, location: row.location.toUpperCase()} : row)),
      }

type Row = Readonly<{given: string; when: Partial<Case>; says: string; why?: string}>
const rules: Readonly<Record<string, readonly Row[]>> = {
  M1: [
    {given: 'its table was never read', when: {tables: {}}, says: 'silent', why: 'was not read yet'},
    {given: 'its table cannot be read', when: {tables: {...all, a: unreadable}}, says: 'silent', why: 'cannot be read'},
    {
      given: 'its table was read too long ago',
      when: {tables: {...all, a: table(named, 3_001)}},
      says: 'silent',
      why: '3 s ago',
    },
    {
      given: 'its table is as old as an answer may be',
      when: {tables: {...all, a: table(named, 3_000)}},
      says: 'confirms',
    },
  ],
  M2: [
    {given: 'its table has no node for it', when: {settings: {nodes: {a: 'x'}}}, says: 'denies', why: 'no node "x"'},
    {
      given: 'its table has two nodes for it',
      when: {settings: {nodes: {a: 'a_1'}}, tables: {...all, a: table('a_1=P+ a-1=S+ b=S+')}},
      says: 'denies',
      why: 'a_1 and a-1',
    },
    {
      given: 'names differ in case and in _ alone',
      when: {
        settings: {nodes: {a: 'Node_1', b: 'node-2'}},
        tables: {a: table('node-1=P+ NODE_2=S+'), b: table('NODE-1=P+ node_2=S+')},
      },
      says: 'confirms',
    },
  ],
  M3: [
    {
      given: 'its table names another',
      when: {tables: {...all, a: table('a=S+ b=P+ c=S+')}},
      says: 'denies',
      why: 'names b',
    },
    {
      given: 'its table names two',
      when: {tables: {...all, a: table('a=P+ b=P+ c=S+')}},
      says: 'denies',
      why: 'a and b',
    },
    {
      given: 'its table names none',
      when: {tables: {...all, a: table('a=P- b=S+ c=S+')}},
      says: 'denies',
      why: 'no active primary',
    },
    {
      given: 'its table names another, and it was promoted 1 s ago',
      when: {hosts: [primary('a', promoted(1_000)), b, c], tables: {...all, a: table('a=S+ b=P+ c=S+')}},
      says: 'silent',
      why: 'promoted just now',
    },
    {
      given: 'its table names another, and it was promoted 2 s ago',
      when: {hosts: [primary('a', promoted(2_000)), b, c], tables: {...all, a: table('a=S+ b=P+ c=S+')}},
      says: 'denies',
    },
    {
      given: 'its table names another, and it was a primary when it was first seen',
      when: {hosts: [primary('a', promoted(1_000, false)), b, c], tables: {...all, a: table('a=S+ b=P+ c=S+')}},
      says: 'denies',
    },
  ],
  M4: [
    {
      given: 'an inactive node counts among those of whom most are needed',
      when: {tables: {...all, a: table('a=P+ b=S- c=S- d=S-')}, hosts: [a, b, standby('c')]},
      says: 'denies',
    },
    {
      given: 'a witness that follows and names it does not vote',
      when: {tables: {...all, a: table('a=P+ b=S+ c=W+')}, hosts: [a, standby('b'), c]},
      says: 'denies',
    },
    {
      given: 'a witness does not count among those of whom most are needed',
      when: {tables: {...all, a: table('a=P+ b=S+ c=S+ w=W+')}, hosts: [a, b, standby('c')]},
      says: 'confirms',
    },
    {
      given: 'a node of another location does not vote',
      when: {tables: {...all, a: table('a=P+ b=S+ c=S+ d=S+', 10, ['c', 'd'])}, hosts: [a, standby('b'), c]},
      says: 'denies',
    },
    {
      given: 'the location of a voter differs in case alone',
      when: {tables: {...all, a: inCapitals('c', all.a)}, hosts: [a, standby('b'), c]},
      says: 'confirms',
    },
    {
      given: 'it is alone in its location',
      when: {tables: {...all, a: table('a=P+ b=S+ c=S+', 10, ['b', 'c'])}},
      says: 'silent',
      why: 'the word of another node',
    },
    {
      given: 'a registered node that is not configured never votes, and counts',
      when: {tables: {...all, a: table('a=P+ b=S+ x=S+ y=S+')}},
      says: 'denies',
      why: 'x is the node of no configured host',
    },
  ],
  M5: [
    {given: 'two follow and name it', when: {}, says: 'confirms', why: '3 of 3'},
    {given: 'one of two follows and names it', when: {hosts: [a, b, standby('c')]}, says: 'confirms', why: '2 of 3'},
    {
      given: 'one follows it through the other',
      when: {hosts: [a, b, standby('c', {of: 'b'})], tables: {a: all.a, c: all.c}},
      says: 'confirms',
    },
    {given: 'the others stream from no host', when: {hosts: [a, standby('b'), standby('c')]}, says: 'denies'},
    {given: 'the others are primaries', when: {hosts: [a, primary('b'), primary('c')]}, says: 'denies'},
    {given: 'the others cannot be reached', when: {hosts: [a, failing('b'), failing('c')]}, says: 'silent'},
    {
      given: 'the others stream on another timeline',
      when: {hosts: [primary('a', {timeline: 2}), b, c]},
      says: 'denies',
    },
    {
      given: 'the others last heard from it long ago',
      when: {
        hosts: [a, ...['b', 'c'].map((name) => standby(name, {of: 'a', receiver: {lastMessageAgeMs: 5_001}}))],
      },
      says: 'silent',
    },
    {
      given: 'the others follow it, and their tables name another',
      when: {tables: {a: all.a, b: table('a=P- b=P+ c=S+'), c: table('a=P- b=P+ c=S+')}},
      says: 'silent',
      why: 'b follows it, but names b',
    },
    {
      given: 'the others follow it, and their tables name two',
      when: {tables: {a: all.a, b: table('a=P+ b=P+ c=S+'), c: table('a=P+ b=P+ c=S+')}},
      says: 'silent',
    },
    {
      given: 'the tables of the others cannot be read',
      when: {tables: {a: all.a, b: unreadable, c: unreadable}},
      says: 'silent',
    },
    {
      given: 'the tables of the others are too old',
      when: {tables: {a: all.a, b: table(named, 3_001), c: table(named, 3_001)}},
      says: 'silent',
    },
  ],
  M6: [
    {
      given: 'half of the nodes is not more than half',
      when: {tables: {...all, a: table('a=P+ b=S+ c=S+ d=S+')}, hosts: [a, b, standby('c'), standby('d')]},
      says: 'denies',
    },
    {
      given: 'one that cannot be told could tip it',
      when: {hosts: [a, failing('b'), standby('c')]},
      says: 'silent',
    },
    {
      given: 'one that cannot be told could not tip it',
      when: {tables: {a: table('a=P+ b=S+ c=S+ d=S+')}, hosts: [a, failing('b'), standby('c'), standby('d')]},
      says: 'denies',
    },
    {
      given: 'of two nodes, the other one follows and names it',
      when: {hosts: [a, b], tables: {a: table('a=P+ b=S+'), b: table('a=P+ b=S+')}},
      says: 'confirms',
    },
    {
      given: 'of two nodes, the other one is away',
      when: {hosts: [a, failing('b')], tables: {a: table('a=P+ b=S+')}},
      says: 'silent',
    },
  ],
}

for (const [rule, cases] of Object.entries(rules))
  describe(rule, () => {
    for (const {given, when, says, why = ''} of cases)
      test(`${says}: given ${given}`, () => {
        const said = answerTo({hosts: [a, b, c], tables: all, ...when})
        expect(said.answer, said.why).toBe(says)
        expect(said.why).toContain(why)
        expect(said.subject).toBe('a')
      })
  })

test('the answer is as old as the oldest question behind it, and ends with the oldest table', () => {
  const tables = {a: table(named, 100), b: table(named, 900), c: table(named, 4_000)}
  expect(answerTo({hosts: [a, b, c], tables})).toMatchObject({askedAt: NOW - 900, freshUntil: NOW - 900 + MAX_AGE})
  const late = standby('b', {of: 'a', ageMs: 1_500})
  expect(answerTo({hosts: [a, late, c], tables}).askedAt).toBe(NOW - 1_500)
})

test('the excuse of a promotion ends with it, to be judged again', () => {
  const hosts = [primary('a', promoted(500)), b, c]
  const said = answerTo({hosts, tables: {...all, a: table('a=S+ b=P+ c=S+')}})
  expect(said).toMatchObject({answer: 'silent', freshUntil: NOW + 1_499})
})
