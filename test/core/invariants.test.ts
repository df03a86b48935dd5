import {expect, test} from 'vitest'
import type {Snapshot} from '../../src/core/snapshot.ts'
import {assertSnapshot, assertSuccessor} from '../../src/core/verdict/invariants.ts'
import {drained, primary, snapshot, standby, unavailable, unreachable} from '../support/snapshots.ts'

const hosts = {host1: primary(), host2: standby()}

const sound: Readonly<Record<string, Snapshot>> = {
  'one primary and its standby': snapshot({hosts}),
  'a drained primary without a route': snapshot({hosts: {...hosts, host1: primary({drained})}}),
  'a split brain without a route': snapshot({hosts: {host1: primary(), host2: primary()}}),
  'follow-evidence: a split brain with a route to a rival': snapshot({
    hosts: {host1: primary(), host2: primary()},
    verdict: {routedTo: 'host2'},
  }),
  'a primary out of reach that its standbys follow': snapshot({
    hosts: {...hosts, host1: unavailable()},
    verdict: unreachable('host1'),
  }),
  'a host in two groups': snapshot({hosts, groups: {one: ['host1', 'host2'], two: ['host1']}}),
  'a host in no group': snapshot({hosts, groups: {one: ['host1']}}),
}
for (const [name, given] of Object.entries(sound)) {
  test(`${name} keeps every rule`, () => {
    expect(() => assertSnapshot(given)).not.toThrow()
  })
}

const withHost2 = (groups: readonly string[]): Snapshot => {
  const given = snapshot({hosts})
  const {host2} = given.hosts
  return host2 ? {...given, hosts: {...given.hosts, host2: {...host2, groups}}} : given
}

const broken: Readonly<Record<string, Readonly<{given: Snapshot; rule: string; sentence: string}>>> = {
  'a route to a host that is not among the primaries': {
    given: snapshot({hosts, verdict: {primary: 'host2', routedTo: 'host2'}}),
    rule: 'S1',
    sentence: 'group all routes to host2, which is not among its primaries',
  },
  'a route to a host whose role is unavailable': {
    given: snapshot({hosts: {...hosts, host1: unavailable()}, verdict: {primaries: ['host1'], routedTo: 'host1'}}),
    rule: 'S1',
    sentence: 'group all routes to host1, whose role is unavailable',
  },
  'a route beside a second primary without a split brain': {
    given: snapshot({
      hosts: {host1: primary(), host2: primary()},
      verdict: {kind: 'primary', rule: 'V4', primary: 'host1', routedTo: 'host1'},
    }),
    rule: 'S1',
    sentence: 'group all routes to host1, while host1 and host2 are primary',
  },
  'a route to a primary out of reach beside one in sight': {
    given: snapshot({hosts: {host1: unavailable(), host2: primary()}, verdict: unreachable('host1')}),
    rule: 'S1',
    sentence: 'group all routes to host1, which is not among its primaries',
  },
  'a route to a drained host out of reach': {
    given: snapshot({hosts: {...hosts, host1: unavailable('refused', {drained})}, verdict: unreachable('host1')}),
    rule: 'S15',
    sentence: 'group all routes to host1, which is drained',
  },
  'a route to a host of another group': {
    given: snapshot({
      hosts,
      groups: {one: ['host1'], two: ['host2']},
      verdicts: {two: {primaries: ['host1'], primary: 'host1', routedTo: 'host1'}},
    }),
    rule: 'S1',
    sentence: 'group two routes to host1, which is not in it',
  },
  'a route to a drained host': {
    given: snapshot({hosts: {...hosts, host1: primary({drained})}, verdict: {routedTo: 'host1'}}),
    rule: 'S15',
    sentence: 'group all routes to host1, which is drained',
  },
  'a host that leaves out one of its groups': {
    given: withHost2([]),
    rule: 'S18',
    sentence: 'group all lists host2, but host2 does not list the group',
  },
  'a host that names a group it is not in': {
    given: withHost2(['all', 'other']),
    rule: 'S18',
    sentence: 'host host2 lists group other, but the group does not list host2',
  },
  'a group with a host that the snapshot does not hold': {
    given: {...snapshot({hosts}), hosts: {}},
    rule: 'S18',
    sentence: 'group all lists host1, which the snapshot does not hold',
  },
}
for (const [name, {given, rule, sentence}] of Object.entries(broken)) {
  test(`${rule}: ${name} is refused`, () => {
    expect(() => assertSnapshot(given)).toThrow(`${sentence} (${rule} in SPEC.md)`)
  })
}

test('P1: a sequence number that does not grow within an epoch is refused', () => {
  const at = (epoch: string, sequence: number) => snapshot({hosts, epoch, sequence})
  expect(() => assertSuccessor(at('a', 7), at('a', 7))).toThrow('snapshot 7 follows snapshot 7 of the same epoch')
  expect(() => assertSuccessor(at('a', 7), at('a', 6))).toThrow('(P1 in SPEC.md)')
  expect(() => assertSuccessor(at('a', 7), at('a', 8))).not.toThrow()
  expect(() => assertSuccessor(at('a', 7), at('b', 1))).not.toThrow()
  expect(() => assertSuccessor(null, at('a', 1))).not.toThrow()
})
