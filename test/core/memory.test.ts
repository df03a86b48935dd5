import {describe, expect, test} from 'vitest'
import {blankMemory} from '../../src/core/verdict/group-memory.ts'
import {inherit} from '../../src/core/verdict/memory.ts'
import {type Cause, causes} from '../../src/core/vocabulary.ts'
import {drained, failing, judgementOf, NOW, OURS, primary, standby, unasked} from '../support/records.ts'

const accepted = {host: 'a', timeline: 1, overrules: 3}

describe('what a group remembers', () => {
  test('the highest timeline, of whomever it was seen, never less than before', () => {
    expect(judgementOf({hosts: [primary('a'), standby('b', {timeline: 4})]}).memory.highestTimeline).toBe(4)
    expect(
      judgementOf({hosts: [primary('a'), standby('b')], memory: {highestTimeline: 7}}).memory.highestTimeline,
    ).toBe(7)
  })

  test('no timeline of a stranger, nor any while it is open whose cluster this is', () => {
    expect(
      judgementOf({hosts: [primary('a'), primary('b', {cluster: '1', timeline: 9}), standby('c')]}).memory
        .highestTimeline,
    ).toBe(1)
    expect(judgementOf({hosts: [primary('a'), standby('b', {cluster: '1', timeline: 9})]}).memory.highestTimeline).toBe(
      null,
    )
    expect(judgementOf({hosts: [primary('a', {timeline: 9}), failing('b')]}).memory.highestTimeline).toBe(null)
  })

  test('no timeline of a duplicate, a stale or a shut host', () => {
    const shut = {knock: {cause: 'hung', detail: ''}} as const
    const hosts = [primary('a'), standby('b'), standby('c', {timeline: 9, more: shut})]
    expect(judgementOf({hosts}).memory.highestTimeline).toBe(1)
    expect(judgementOf({hosts: [primary('a'), standby('b', {timeline: 9, ageMs: 3_001})]}).memory.highestTimeline).toBe(
      1,
    )
  })

  test('the rivals, until fewer than two are left', () => {
    expect(judgementOf({hosts: [primary('a'), primary('b')]}).memory.rivals).toEqual(['a', 'b'])
    expect(
      judgementOf({hosts: [failing('a', 'timeout'), primary('b')], memory: {rivals: ['a', 'b']}}).memory.rivals,
    ).toEqual(['a', 'b'])
    expect(
      judgementOf({hosts: [failing('a', 'refused'), primary('b')], memory: {rivals: ['a', 'b']}}).memory.rivals,
    ).toEqual([])
  })

  // S3. A postmaster that refuses connections is stopped. One that does not accept a new session
  // may still serve the writers that it has.
  const endsSplitBrain: Readonly<Record<Cause, boolean>> = {
    refused: true,
    'foreign-cluster': true,
    duplicate: true,
    timeout: false,
    closed: false,
    'not-accepting': false,
    hung: false,
    auth: false,
    tls: false,
    dns: false,
    'too-many-connections': false,
    stale: false,
    error: false,
  }
  for (const cause of causes) {
    const effect = endsSplitBrain[cause] ? 'ends' : 'does not end'
    test(`S3: a rival that becomes unavailable (${cause}) ${effect} the split brain`, () => {
      const {memory, verdict} = judgementOf({
        hosts: [failing('a', cause), primary('b', {timeline: 2})],
        memory: {rivals: ['a', 'b'], systemIdentifier: OURS},
      })
      expect(memory.rivals).toEqual(endsSplitBrain[cause] ? [] : ['a', 'b'])
      expect(verdict.routedTo).toBe(endsSplitBrain[cause] ? 'b' : null)
    })
  }

  test('no rivals if one was asked before the other became primary: its last answer proves nothing about now', () => {
    const since = (ageMs: number) => ({primarySince: NOW - ageMs})
    const hung = primary('a', {ageMs: 800, more: since(60_000)})
    const before = judgementOf({hosts: [hung, primary('b', {ageMs: 10, timeline: 2, more: since(10)})]})
    expect(before.memory.rivals).toEqual([])
    expect(before.verdict).toMatchObject({rule: 'V3', kind: 'unconfirmed', routedTo: null, primaries: ['a', 'b']})
    const again = judgementOf({
      hosts: [primary('a', {ageMs: 10, more: since(60_000)}), primary('b', {ageMs: 5, timeline: 2, more: since(10)})],
    })
    expect(again.memory.rivals).toEqual(['a', 'b'])
    expect(again.verdict.rule).toBe('V1')
    const silent = judgementOf({
      hosts: [failing('a', 'timeout'), primary('b', {timeline: 2, more: since(10)})],
      memory: before.memory,
    })
    expect(silent.verdict).toMatchObject({rule: 'V4', routedTo: 'b'})
  })

  test('a third primary joins the rivals', () => {
    const hosts = [failing('a', 'timeout'), primary('b'), primary('c')]
    expect(judgementOf({hosts, memory: {rivals: ['a', 'b']}}).memory.rivals).toEqual(['a', 'b', 'c'])
  })

  test('the rivals through a restart: not asked yet is silent too', () => {
    expect(judgementOf({hosts: [unasked('a'), unasked('b')], memory: {rivals: ['a', 'b']}}).memory.rivals).toEqual([
      'a',
      'b',
    ])
    expect(judgementOf({hosts: [unasked('a'), standby('b')], memory: {rivals: ['a', 'b']}}).memory.rivals).toEqual([])
  })

  test('the identity, once learned', () => {
    expect(judgementOf({hosts: [primary('a'), standby('b'), failing('c')]}).memory.systemIdentifier).toBe(OURS)
    expect(judgementOf({hosts: [primary('a'), failing('b'), failing('c')]}).memory.systemIdentifier).toBe(null)
  })

  test('nothing of the cluster that was there before, where the configuration names another one', () => {
    const memory = {systemIdentifier: '42', highestTimeline: 9, rivals: ['a', 'b'], accepted}
    const after = judgementOf({hosts: [primary('a'), standby('b')], settings: {systemIdentifier: OURS}, memory}).memory
    expect(after).toEqual({hosts: ['a', 'b'], systemIdentifier: OURS, highestTimeline: 1, rivals: [], accepted: null})
  })

  test("the operator's word, while its host is the only primary that was seen since", () => {
    const memory = {systemIdentifier: OURS, highestTimeline: 3, accepted}
    expect(judgementOf({hosts: [primary('a'), standby('b')], memory}).memory.accepted).toEqual(accepted)
    expect(judgementOf({hosts: [primary('a', {more: drained}), standby('b')], memory}).memory.accepted).toEqual(
      accepted,
    )
    expect(judgementOf({hosts: [failing('a'), standby('b')], memory}).memory.accepted).toEqual(accepted)
    expect(judgementOf({hosts: [failing('a'), primary('b', {timeline: 3})], memory}).memory.accepted).toBe(null)
    expect(judgementOf({hosts: [primary('a'), primary('b', {timeline: 3})], memory}).memory.accepted).toBe(null)
    expect(judgementOf({hosts: [primary('a', {timeline: 4}), standby('b')], memory}).memory.accepted).toBe(null)
  })
})

test('what two clusters left is no inheritance, and is kept', () => {
  const left = (systemIdentifier: string, hosts: readonly string[]) => ({
    ...blankMemory,
    systemIdentifier,
    hosts,
    highestTimeline: 3,
  })
  const remembered = {a: left('1', ['h1']), b: left('2', ['h2'])}
  expect(inherit(remembered, [{name: 'c', hosts: ['h1', 'h2']}])).toEqual(remembered)
  expect(Object.keys(inherit(remembered, [{name: 'c', hosts: ['h1']}]))).toEqual(['b', 'c'])
})
