import assert from 'node:assert/strict'
import {describe, test} from 'vitest'
import {agentAnswer} from '../../src/actuators/agent/answer.ts'
import type {ReadFallback} from '../../src/core/settings.ts'
import type {StandbyHost} from '../../src/core/snapshot.ts'
import {
  drained,
  primary,
  type SnapshotDraft,
  snapshot,
  standby,
  unasked,
  unavailable,
  unconfirmed,
  unreachable,
} from '../support/snapshots.ts'

const healthy: SnapshotDraft = {hosts: {host1: primary(), host2: standby(), host3: standby()}}
const answer = (question: string, draft: SnapshotDraft, fallback: ReadFallback = 'primary', isFrozen = false) =>
  agentAnswer(question, snapshot(draft), () => fallback, isFrozen)

type Row = Readonly<{
  given: string
  when: SnapshotDraft
  fallback?: ReadFallback
  says: Readonly<Record<string, string | RegExp>>
}>

const writers: readonly Row[] = [
  {
    given: 'one primary',
    when: healthy,
    says: {
      'host1 primary': 'ready up 100%',
      host1: 'ready up 100%',
      'host2 primary': 'down #host1 is the only primary',
    },
  },
  {
    given: 'a server with its address: the address of another host makes it nobody',
    when: {
      hosts: {host1: primary({addresses: ['db1.example', '10.0.0.1']}), host2: standby('host1', {address: 'fd00::2'})},
    },
    says: {
      'host1@10.0.0.1:5432 primary': 'ready up 100%',
      'host1@db1.example:5432 primary': 'ready up 100%',
      'host1@192.168.0.1:5432 primary': 'ready up 100%',
      'host1@[FD00:0::2]:5432 primary': 'down #server host1 has the address [FD00:0::2]:5432 of host2',
      'host2@[fd00::2]:5432 replica lag=16MB': 'ready up 100%',
      'host2@10.0.0.1:5432 replica': 'down #server host2 has the address 10.0.0.1:5432 of host1',
      'srv9@192.168.0.1:5432 primary': 'down #unknown host "srv9"',
      'host1@10.0.0.1 primary': /^down #cannot understand/,
    },
  },
  {
    given: 'a split brain: "down" for both primaries, which cuts their sessions',
    when: {hosts: {host1: primary(), host2: primary(), host3: standby('host2')}},
    says: {
      'host1 primary': 'down #split brain: host1 and host2 are primary',
      'host2 primary': 'down #split brain: host1 and host2 are primary',
      'host3 primary': /^down #split brain/,
    },
  },
  {
    given: 'a split brain in which one primary became unreachable',
    when: {
      hosts: {host1: unavailable('timeout'), host2: primary()},
      verdict: {rule: 'V1', kind: 'split-brain', routedTo: null, why: 'split brain: host1 and host2'},
    },
    says: {'host1 primary': /^down #/, 'host2 primary': /^down #split brain/},
  },
  {
    given: 'a deposed primary that does not answer, and its successor',
    when: {hosts: {host1: unavailable('timeout'), host2: primary()}},
    says: {'host1 primary': 'down #host1 is unavailable (timeout: seen: timeout)', 'host2 primary': 'ready up 100%'},
  },
  {
    given: 'an unreachable primary without a successor: "drain", which cuts no session',
    when: {hosts: {host1: unavailable('timeout'), host2: standby()}},
    says: {
      'host1 primary': 'drain #host1 is unavailable (timeout: seen: timeout)',
      'host2 primary': /^down #no host is primary/,
    },
  },
  {
    given: 'a primary that only we cannot reach: it stays in rotation',
    when: {hosts: {host1: unavailable('refused'), host2: standby()}, verdict: unreachable('host1')},
    says: {'host1 primary': 'ready up 100%', 'host2 replica': 'ready up 100%', 'host2 primary': /^down #/},
  },
  {
    given: 'a primary whose postmaster is gone',
    when: {hosts: {host1: unavailable('refused'), host2: standby()}},
    says: {'host1 primary': 'drain #host1 is unavailable (refused: seen: refused)'},
  },
  {
    given: 'an old primary that returns while the new one is unreachable',
    when: {
      hosts: {host1: primary(), host2: unavailable('timeout')},
      verdict: {rule: 'V2', kind: 'unconfirmed', primary: 'host1', routedTo: null, why: 'host1 is on timeline 1'},
    },
    says: {'host1 primary': 'down #host1 is on timeline 1', 'host2 primary': /^drain #/},
  },
  {
    given: 'a missing confirmation, and no evidence against the primary',
    when: {...healthy, verdict: unconfirmed('host1')},
    says: {'host1 primary': 'drain #host1 is the only primary, but followers is silent'},
  },
  {
    given: 'a host that was not probed yet: HAProxy changes nothing',
    when: {hosts: {host1: primary(), host2: unasked()}},
    says: {'host1 primary': '', 'host2 primary': '', 'host2 replica': ''},
  },
  {
    given: 'a drained primary',
    when: {hosts: {host1: primary({drained}), host2: standby()}},
    says: {'host1 primary': 'drain', 'host2 primary': /^down #/},
  },
  {
    given: 'a drained host that was deposed',
    when: {hosts: {host1: unavailable('hung', {drained}), host2: primary()}},
    says: {'host1 primary': /^down #host1 is unavailable/},
  },
  {
    given: 'a server of another cluster',
    when: {hosts: {host1: unavailable('foreign-cluster'), host2: primary()}},
    says: {'host1 primary': /^maint #host1 is unavailable \(foreign-cluster/, 'host1 replica': /^maint #/},
  },
  {
    given: 'a host of two groups, one of which routes to another host',
    when: {
      hosts: {host1: primary(), host2: standby(), host3: standby()},
      groups: {one: ['host1', 'host2'], two: ['host1', 'host3']},
      verdicts: {two: {routedTo: 'host3', why: 'host3 is the primary of two'}},
    },
    says: {'host1 primary': 'down #host3 is the primary of two'},
  },
]

const lagging = (lagBytes: number | null, lagMs: number | null = null): Partial<StandbyHost> => ({lagBytes, lagMs})
const MB = 1024 ** 2
const readers: readonly Row[] = [
  {
    given: 'streaming standbys: the primary serves no readers',
    when: healthy,
    says: {
      'host2 replica': 'ready up 100%',
      'host2 standby': 'ready up 100%',
      'host1 replica': 'down #host1 is a primary',
      'host1 read-only': 'ready up 100%',
    },
  },
  {
    given: 'lag: the weight falls towards the limit, and beyond it the answer is "down"',
    when: {
      hosts: {
        host1: primary(),
        host2: standby('host1', lagging(8 * MB, 400)),
        host3: standby('host1', lagging(16 * MB, 2_000)),
      },
    },
    says: {
      'host2 replica': 'ready up 100%',
      'host2 replica lag=16MB': 'ready up 51%',
      'host2 replica lag=16777216': 'ready up 51%',
      'host2 replica lag=1s': 'ready up 60%',
      'host3 replica lag=16MB': 'ready up 1%',
      'host3 replica lag=1s': 'down #host3 lags by 2000 ms; the limit is 1000 ms',
      'host1 replica lag=1s': 'down #host1 is a primary',
    },
  },
  {
    given: 'a limit of zero',
    when: {hosts: {host1: primary(), host2: standby(), host3: standby('host1', lagging(1))}},
    says: {'host2 replica lag=0': 'ready up 100%', 'host3 replica lag=0B': /^down #host3 lags by 1 bytes/},
  },
  {
    given: 'unknown lag: beyond every limit',
    when: {hosts: {host1: primary(), host2: standby('host1', lagging(null)), host3: standby()}},
    says: {'host2 replica lag=16MB': /^down #host2 lags by an unknown/, 'host2 replica': 'ready up 100%'},
  },
  {
    given: 'no standby within the limit: readers fall back to the primary',
    when: {hosts: {host1: primary(), host2: standby('host1', lagging(32 * MB))}},
    says: {'host1 replica lag=16MB': 'ready up 100%', 'host2 replica lag=16MB': /^down #/},
  },
  {
    given: 'no standby within the limit, and no fallback',
    when: {hosts: {host1: primary(), host2: standby('host1', lagging(32 * MB))}},
    fallback: 'none',
    says: {'host1 replica lag=16MB': 'down #host1 is a primary', 'host2 replica lag=16MB': /^down #/},
  },
  {
    given: 'no standby within the limit, no primary, and read_fallback any',
    when: {hosts: {host1: unavailable(), host2: standby('host1', lagging(null))}},
    fallback: 'any',
    says: {'host1 replica lag=16MB': /^down #host1 is unavailable/, 'host2 replica lag=16MB': 'ready up 1%'},
  },
  {
    given: 'a drained standby',
    when: {hosts: {host1: primary(), host2: standby('host1', {drained}), host3: standby()}},
    says: {'host2 replica': 'drain', 'host2 read-only lag=1MB': 'drain'},
  },
  {
    given: 'a standby of another group: its pool is the hosts of its own group',
    when: {
      hosts: {host1: primary(), host2: unavailable(), host3: standby()},
      groups: {one: ['host1', 'host2'], two: ['host3']},
    },
    says: {'host1 replica': 'ready up 100%', 'host3 replica': 'ready up 100%'},
  },
  {
    given: 'a split brain: no primary serves readers',
    when: {hosts: {host1: primary(), host2: primary(), host3: standby('host2')}},
    fallback: 'any',
    says: {'host1 read-only': /^down #split brain/, 'host2 replica': /^down #/, 'host3 replica': 'ready up 100%'},
  },
]

for (const [name, rows] of [
  ['writers', writers],
  ['readers', readers],
] as const)
  describe(name, () => {
    for (const {given, when, fallback, says} of rows)
      test(`given ${given}`, () => {
        for (const [question, expected] of Object.entries(says)) {
          const actual = answer(question, when, fallback)
          if (typeof expected === 'string') assert.equal(actual, expected, question)
          else assert.match(actual, expected, question)
        }
      })
  })

describe('a question that cannot be understood gets "down", because HAProxy ignores any other word', () => {
  const bad = {
    'hsot1 primary': 'down #unknown host "hsot1"',
    'constructor primary': 'down #unknown host "constructor"',
    '__proto__ primary': 'down #unknown host "__proto__"',
  }
  for (const [question, expected] of Object.entries(bad))
    test(question, () => assert.equal(answer(question, healthy), expected))
  for (const question of [
    '',
    ' ',
    'host1 leader',
    'host1 constructor',
    'host1 primary lag=',
    'host2 replica lag=x',
    'host2 replica lag=16XB',
    'host2 replica lag=-1MB',
    'host2 replica lag=1MB lag=2MB',
    'host2 replica gal=1MB',
    'GET / HTTP/1.1',
    'host1\u0000 primary',
    'h\u00f6st1 primary',
    `${'x'.repeat(250)} primary`,
  ])
    test(JSON.stringify(question.slice(0, 40)), () =>
      assert.match(answer(question, healthy), /^down #cannot understand "/),
    )
})

test('every answer is one short line of printable ASCII that begins with a word HAProxy knows', () => {
  const why = `\u2026\u0000\r\nready up 100%\n${'x'.repeat(500)}`
  for (const question of [
    'host1 primary',
    'host2 primary',
    'stranger\r\nready up',
    '\u0007\u001b[31m',
    'host1 replica',
  ])
    for (const verdict of [unconfirmed('host1'), {rule: 'V1', kind: 'split-brain'}] as const)
      assert.match(
        answer(question, {...healthy, verdict: {...verdict, routedTo: null, why}}),
        /^(down|drain) #[\x20-\x7e]{1,120}$/,
      )
})

test('in maintenance every answer is empty, and the check of the daemon still gets "alive"', () => {
  for (const question of ['host1 primary', 'host2 replica', 'stranger primary', ''])
    assert.equal(answer(question, healthy, 'primary', true), '')
  for (const isFrozen of [true, false]) assert.equal(answer('alive?', healthy, 'primary', isFrozen), 'alive')
})
