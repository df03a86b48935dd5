import {describe, expect, test} from 'vitest'
import {newRecord} from '../../src/core/facts/host-record.ts'
import {Errands} from '../../src/sources/patroni/errands.ts'
import {hostOfMember, type KnownMember} from '../../src/sources/patroni/membership.ts'
import {longestHoldMs, timingOf} from '../../src/sources/patroni/timing.ts'
import {systemClock} from '../../src/system/clock.ts'
import {hostSettings} from '../support/settings.ts'

describe('H10: which host a member is', () => {
  const hosts = [
    newRecord(hostSettings('host1', {host: '10.0.0.1'})),
    newRecord(hostSettings('host2', {host: '10.0.0.2'}, ['2001:db8::2'])),
    newRecord(hostSettings('host3', {host: '10.0.0.3', port: 5433})),
    newRecord(hostSettings('host4', {host: '10.0.0.3', port: 5434})),
  ]
  const rows: readonly [given: string, member: Partial<KnownMember>, host: string | null, named?: object][] = [
    ['the address and port of its PostgreSQL', {address: {host: '10.0.0.3', port: 5434}}, 'host4'],
    ['an alias, written in another way', {address: {host: '2001:DB8:0::2', port: 5432}}, 'host2'],
    ['another port of a host', {address: {host: '10.0.0.1', port: 5433}}, null],
    ['the address of its REST API, of one host alone', {url: 'http://10.0.0.1:8008'}, 'host1'],
    ['the address of its REST API in brackets', {url: 'http://[2001:db8::2]:8008'}, 'host2'],
    ['the address of its REST API, of two hosts', {url: 'http://10.0.0.3:8008'}, null],
    [
      'its PostgreSQL before its REST API',
      {url: 'http://10.0.0.1:8008', address: {host: '10.9.9.9', port: 5432}},
      null,
    ],
    ['the word of the operator', {name: 'n', address: {host: '10.0.0.1', port: 5432}}, 'host3', {host3: 'n'}],
    ['a host that the operator gave another member', {url: 'http://10.0.0.1:8008', name: 'm'}, null, {host1: 'n'}],
    ['a name alone', {name: 'host1'}, null],
  ]
  test.each(rows)('%s', (_, member, host, named = {}) => {
    const known = {name: null, url: null, address: null, ...member}
    expect(hostOfMember(known, hosts, named as Record<string, string>)).toBe(host)
  })
})

describe('H10: members that are told of', () => {
  const member = (name: string, host: string) => ({
    name,
    state: 'running',
    role: 'replica',
    timeline: 1,
    address: {host, port: 5432},
    apiUrl: `http://${host}:8008/patroni`,
  })
  const told = (...members: ReturnType<typeof member>[]) => ({leader: 'a', lease: null, members, config: {ttl: 20}})
  const [a, b] = [member('a', '10.0.0.1'), member('b', '10.0.0.2')]

  test('one whose key has ended stays known: it may lead in failsafe mode', () => {
    const errands = new Errands({clock: systemClock, learned: () => {}})
    errands.tell(told(a, b))
    errands.tell(told(b))
    expect(errands.urlsBeside([])).toEqual(['http://10.0.0.2:8008', 'http://10.0.0.1:8008'])
    expect(errands.named('a').address).toEqual({host: '10.0.0.1', port: 5432})
  })
  test('one that has its address or its name replaces it', () => {
    const errands = new Errands({clock: systemClock, learned: () => {}})
    errands.tell(told(a, b))
    errands.tell(told(member('c', '10.0.0.1'), member('b', '10.0.0.9')))
    expect(errands.urlsBeside([])).toEqual(['http://10.0.0.1:8008', 'http://10.0.0.9:8008'])
    expect(errands.named('a').address).toBeNull()
  })
  test('the configured URLs stay where the cluster has no more members than they are', () => {
    const errands = new Errands({clock: systemClock, learned: () => {}})
    errands.tell(told(a, b))
    expect(errands.urlsBeside(['http://pg1:8008', 'http://pg2:8008/'])).toEqual(['http://pg1:8008', 'http://pg2:8008'])
    expect(errands.urlsBeside(['http://pg1:8008'])).toHaveLength(2)
  })
})

describe('H9: the pace of the cluster', () => {
  test("the hold ends before the lock may: 17 s with Patroni's defaults", () => {
    const timing = timingOf({})
    expect(timing).toEqual({ttlMs: 30_000, loopWaitMs: 10_000, retryTimeoutMs: 10_000})
    expect(timing && longestHoldMs(timing, 3_000)).toBe(17_000)
    expect(longestHoldMs({ttlMs: 20_000, loopWaitMs: 2_000, retryTimeoutMs: 3_000}, 3_000)).toBe(15_000)
    expect(longestHoldMs({ttlMs: 20_000, loopWaitMs: 18_000, retryTimeoutMs: 3_000}, 3_000)).toBe(0)
  })
  test.each([null, [], 'x', 1])('%j is no configuration', (json) => expect(timingOf(json)).toBeNull())
  test('a value that is none is the default; text counts as Patroni takes it', () => {
    expect(timingOf({ttl: 'x', loop_wait: '5', retry_timeout: -1})).toEqual({
      ttlMs: 30_000,
      loopWaitMs: 5_000,
      retryTimeoutMs: 10_000,
    })
  })
})
