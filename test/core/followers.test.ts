import {describe, expect, test} from 'vitest'
import {assessFollowers, following} from '../../src/core/evidence/followers.ts'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {Answer} from '../../src/core/vocabulary.ts'
import {failing, memberIn, primary, row, standby, viewOf} from '../support/records.ts'

const debian = {session: {clusterName: '15/main'}} as const
const a = primary('a')
const blind = {
  status: null,
  senderHost: null,
  senderPort: null,
  receivedTimeline: null,
  lastMessageAgeMs: null,
  latestEndLsn: null,
}
const nat = {senderHost: 'service', senderPort: 6432}

/** Does b follow a? `null`: cannot be told. */
const rows: readonly Readonly<{given: string; when: readonly HostRecord[]; follows: boolean | null}>[] = [
  {given: 'b streams from a by address and port', when: [a, standby('b', {of: 'a'})], follows: true},
  {
    given: 'b names an alias of a',
    when: [primary('a', {aliases: ['10.1.0.1']}), standby('b', {of: '10.1.0.1'})],
    follows: true,
  },
  {
    given: 'b names the address that our socket goes to',
    when: [primary('a', {session: {remoteAddress: '10.0.0.1'}}), standby('b', {of: '10.0.0.1'})],
    follows: true,
  },
  {
    given: 'the right address, another port',
    when: [a, standby('b', {of: 'a', receiver: {senderPort: 5433}})],
    follows: null,
  },
  {given: 'an address that is none of ours', when: [a, standby('b', {of: '192.0.2.1'})], follows: null},
  {
    given: 'behind NAT, and a has the row of b by name',
    when: [primary('a', {senders: [row('b')]}), standby('b', {receiver: nat})],
    follows: true,
  },
  {
    given: 'behind NAT, by the cluster_name of b',
    when: [
      primary('a', {senders: [row('bee', {clientAddr: null})]}),
      standby('b', {receiver: nat, session: {clusterName: 'bee'}}),
    ],
    follows: true,
  },
  {
    given: 'behind NAT, by its address alone',
    when: [primary('a', {senders: [row('walreceiver', {clientAddr: 'b'})]}), standby('b', {receiver: nat})],
    follows: true,
  },
  {
    given: 'behind NAT, and the row of a is not streaming',
    when: [primary('a', {senders: [row('b', {state: 'catchup'})]}), standby('b', {receiver: nat})],
    follows: null,
  },
  {
    given: "Debian's shared cluster_name, which names no single host",
    when: [
      primary('a', {senders: [row('15/main', {clientAddr: null})], ...debian}),
      standby('b', {receiver: nat, ...debian}),
      standby('c', debian),
    ],
    follows: null,
  },
  {
    given: "Debian's shared cluster_name with the address of b",
    when: [
      primary('a', {senders: [row('15/main', {clientAddr: 'b'})], ...debian}),
      standby('b', {receiver: nat, ...debian}),
      standby('c', debian),
    ],
    follows: true,
  },
  {
    given: 'the row of a host that is out of sight',
    when: [a, standby('b', {receiver: nat}), primary('c', {ageMs: 9_000, senders: [row('b')]})],
    follows: null,
  },
  {
    given: 'the old row of a host that is out of sight, beside the right one',
    when: [
      primary('a', {senders: [row('b')]}),
      standby('b', {receiver: nat}),
      primary('c', {ageMs: 9_000, senders: [row('b')]}),
    ],
    follows: true,
  },
  {
    given: 'two hosts claim b',
    when: [primary('a', {senders: [row('b')]}), standby('b', {receiver: nat}), standby('c', {senders: [row('b')]})],
    follows: null,
  },
  {given: 'through a cascade', when: [a, standby('b', {of: 'c'}), standby('c', {of: 'a'})], follows: true},
  {
    given: 'through a cascade whose middle is behind',
    when: [primary('a', {timeline: 2}), standby('b', {of: 'c', timeline: 2}), standby('c', {of: 'a'})],
    follows: false,
  },
  {
    given: 'through a cascade whose middle is down',
    when: [a, standby('b', {of: 'c'}), failing('c', 'timeout')],
    follows: null,
  },
  {given: 'a circle of two', when: [a, standby('b', {of: 'c'}), standby('c', {of: 'b'})], follows: false},
  {given: 'b streams from itself', when: [a, standby('b', {of: 'b'})], follows: null},
  {given: 'from another primary', when: [a, standby('b', {of: 'c'}), primary('c')], follows: false},
  {given: 'on another timeline', when: [primary('a', {timeline: 2}), standby('b', {of: 'a'})], follows: false},
  {
    given: 'on a timeline that cannot be told',
    when: [a, standby('b', {of: 'a', receiver: {receivedTimeline: null}})],
    follows: null,
  },
  {
    given: 'from a primary whose timeline cannot be told',
    when: [primary('a', {timeline: null}), standby('b', {of: 'a', timeline: null})],
    follows: null,
  },
  {
    given: 'a last message that is too old: a dead primary looks streaming',
    when: [a, standby('b', {of: 'a', receiver: {lastMessageAgeMs: 5_001}})],
    follows: null,
  },
  {
    given: 'a last message that is too old by now',
    when: [a, standby('b', {of: 'a', ageMs: 2_000, receiver: {lastMessageAgeMs: 3_001}})],
    follows: null,
  },
  {
    given: 'a last message just in time',
    when: [a, standby('b', {of: 'a', ageMs: 2_000, receiver: {lastMessageAgeMs: 3_000}})],
    follows: true,
  },
  {
    given: 'a last message at an unknown time',
    when: [a, standby('b', {of: 'a', receiver: {lastMessageAgeMs: null}})],
    follows: null,
  },
  {
    given: 'a receiver that is starting',
    when: [a, standby('b', {of: 'a', receiver: {status: 'starting'}})],
    follows: false,
  },
  {given: 'no receiver', when: [a, standby('b')], follows: false},
  {given: 'a row of NULLs: our role may not read it', when: [a, standby('b', {receiver: blind})], follows: null},
  {given: 'b is a primary', when: [a, primary('b')], follows: false},
  {given: 'b is down', when: [a, failing('b')], follows: null},
  {given: 'b is of another cluster', when: [a, standby('b', {of: 'a', cluster: '1'}), standby('c')], follows: false},
  {given: 'b is a by another name', when: [a, primary('b', {more: {duplicateOf: 'a'}})], follows: false},
]

describe('does b follow a', () => {
  for (const {given, when, follows} of rows)
    test(`given ${given}: ${follows}`, () => {
      const view = viewOf(when)
      const said = following(memberIn(view, 'b'), memberIn(view, 'a'), view, 5_000)
      expect(said.follows, said.why).toBe(follows)
      expect(said.why).not.toBe('')
    })
})

const b = standby('b', {of: 'a'})
const lost = (name: string) => standby(name, {of: 'elsewhere'})
const alone = (name: string) => standby(name)

/** Keyed by answer: complete by type. */
const outcomes: Record<Answer, readonly Readonly<{given: string; when: readonly HostRecord[]}>[]> = {
  confirms: [
    {given: 'it and one of two others', when: [a, b, alone('c')]},
    {given: 'it is the whole group', when: [a]},
    {given: 'both of two', when: [a, b]},
    {given: 'it and two of four others', when: [a, b, standby('c', {of: 'b'}), alone('d'), failing('e')]},
  ],
  denies: [
    {given: 'no host follows it', when: [a, alone('b'), alone('c')]},
    {given: 'half of the configured hosts is not more than half', when: [a, b, alone('c'), alone('d')]},
    {given: 'the one that cannot be told could not tip it', when: [a, lost('b'), alone('c'), alone('d'), alone('e')]},
    {given: 'the other one follows another primary', when: [a, standby('b', {of: 'c'}), primary('c')]},
  ],
  silent: [
    {given: 'the one that cannot be told could tip it', when: [a, lost('b'), alone('c')]},
    {given: 'the other one is down', when: [a, failing('b')]},
    {given: 'all are silent', when: [a, failing('b', 'timeout'), failing('c', 'timeout')]},
  ],
}

describe('followers', () => {
  for (const [answer, rows] of Object.entries(outcomes))
    for (const {given, when} of rows)
      test(`${answer}: given ${given}`, () => {
        const view = viewOf(when)
        expect(assessFollowers(memberIn(view, 'a'), view, 5_000)).toMatchObject({answer, subject: 'a'})
      })

  test('is as old as the oldest question behind it', () => {
    const view = viewOf([primary('a', {ageMs: 30}), standby('b', {of: 'a', ageMs: 900}), standby('c', {ageMs: 2_000})])
    expect(assessFollowers(memberIn(view, 'a'), view, 5_000).askedAt).toBe(view.now - 900)
  })
})
