import {expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import {lagOf, unknownLag} from '../../src/core/facts/lag.ts'
import {lsnBytes, lsnDifference} from '../../src/core/facts/lsn.ts'
import {failing, memberIn, primary, standby, viewOf} from '../support/records.ts'

const a = primary('a', {lsn: '0/3000100'})
const behind = {of: 'a', lsn: '0/3000000'} as const

const rows: readonly Readonly<{given: string; when: HostRecord; of?: HostRecord; outcome: object}>[] = [
  {given: 'all is replayed', when: standby('b', {of: 'a', lsn: '0/3000100'}), outcome: {lagBytes: 0, lagMs: 0}},
  {
    given: 'some is not, and the last commit that was replayed is 1.5 s old',
    when: standby('b', {...behind, receiver: {latestEndLsn: '0/3000100'}, lastReplayAgeMs: 1_500}),
    outcome: {lagBytes: 256, lagMs: 1_500},
  },
  {
    given: 'an idle primary: all that was sent is replayed, so it is no further behind than the last message',
    when: standby('b', {
      ...behind,
      receiver: {latestEndLsn: '0/3000000', lastMessageAgeMs: 40},
      lastReplayAgeMs: 86_400_000,
    }),
    outcome: {lagBytes: 256, lagMs: 40},
  },
  {
    given: 'nothing was ever committed',
    when: standby('b', {...behind, receiver: {latestEndLsn: '0/3000100'}}),
    outcome: {lagBytes: 256, lagMs: null},
  },
  {given: 'no receiver', when: standby('b', {lsn: '0/3000100'}), outcome: unknownLag},
  {
    given: 'a receiver that does not stream',
    when: standby('b', {...behind, receiver: {status: 'waiting'}}),
    outcome: unknownLag,
  },
  {given: 'another timeline', when: standby('b', {...behind, timeline: 2}), outcome: unknownLag},
  {given: 'a position that cannot be read', when: standby('b', {of: 'a', lsn: null}), outcome: unknownLag},
  {
    given: 'ahead, and asked before the primary: diverged',
    when: standby('b', {of: 'a', lsn: '0/3000200', ageMs: 20}),
    outcome: unknownLag,
  },
  {
    given: 'ahead, asked after the primary, but it last heard from it before: diverged',
    when: standby('b', {of: 'a', lsn: '0/3000200', ageMs: 5, receiver: {lastMessageAgeMs: 900}}),
    outcome: unknownLag,
  },
  {
    given: 'ahead, and it heard from the primary after that was asked: more was written meanwhile',
    when: standby('b', {of: 'a', lsn: '0/3000200', ageMs: 5, receiver: {lastMessageAgeMs: 1}}),
    outcome: {lagBytes: 0, lagMs: 0},
  },
  {given: 'the primary is out of sight', when: standby('b', behind), of: failing('a', 'timeout'), outcome: unknownLag},
]

for (const {given, when, of = a, outcome} of rows)
  test(`given ${given}`, () => {
    const view = viewOf([of, when])
    expect(lagOf(memberIn(view, 'b'), memberIn(view, 'a'))).toEqual(outcome)
  })

test('without a primary nothing can be said', () => {
  const view = viewOf([standby('b', behind)])
  expect(lagOf(memberIn(view, 'b'), null)).toEqual(unknownLag)
})

test('a position is two hexadecimal halves of 32 bits', () => {
  expect(lsnBytes('16/B374D848')).toBe(0x16b374d848n)
  expect(lsnDifference('1/0', '0/FFFFFFFF')).toBe(1)
  expect(lsnDifference('0/0', '0/10')).toBe(-16)
  for (const nonsense of ['', '1', '0/', '/0', '0/123456789', 'g/0', '0/0 ']) expect(lsnBytes(nonsense)).toBe(null)
})
