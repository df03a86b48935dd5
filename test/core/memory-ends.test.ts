import {describe, expect, test} from 'vitest'
import {acceptedIn} from '../../src/core/verdict/accepted.ts'
import {blankMemory} from '../../src/core/verdict/group-memory.ts'
import {failing, judgementOf, OURS, primary, standby, viewOf, wrote} from '../support/records.ts'

/** What a lost, and never to be taken for more than it is. */
const lost = {wrote: [wrote(1, 'a', {lsn: '0/5000000', by: 'a', lost: '0/4000000'})]}
const pairs = (memory: Parameters<typeof judgementOf>[0]['memory'], hosts: Parameters<typeof viewOf>[0]) =>
  judgementOf({hosts, memory: {systemIdentifier: OURS, ...memory}}).memory

describe('S5: what is remembered of a writer', () => {
  test('stays when an answer tells no position', () => {
    const had = {wrote: [wrote(1, 'a', {lsn: '0/4000000', by: 'a'})]}
    expect(pairs(had, [primary('a', {lsn: null}), standby('b')]).wrote).toMatchObject([{lsn: '0/4000000', by: 'a'}])
  })

  test('is never lowered by what it writes after a loss', () => {
    expect(pairs(lost, [primary('a', {lsn: '0/4100000'})]).wrote).toMatchObject([{lsn: '0/5000000', lost: '0/4000000'}])
  })

  test('is not raised either by what it writes past a loss: the reason goes on telling what was lost', () => {
    const byStandby = {wrote: [wrote(1, 'a', {lsn: '0/5000000', by: 'b', lost: '0/4000000'})]}
    const {memory, verdict} = judgementOf({hosts: [primary('a', {lsn: '0/9000000'}), failing('b')], memory: byStandby})
    expect(memory.wrote).toMatchObject([{lsn: '0/5000000', by: 'b', lost: '0/4000000'}])
    expect(verdict.why).toContain('b holds WAL up to 0/5000000, 16777216 bytes further; promote b in its place')
  })

  test('ends, its loss too, when it is seen as a standby: its WAL is that of another one then', () => {
    const memory = pairs(lost, [standby('a', {lsn: '0/3000000'}), standby('b')])
    expect(memory.wrote).toMatchObject([{host: 'a', lsn: null, lost: null}])
    expect(judgementOf({hosts: [primary('a'), failing('b')], memory}).verdict).toMatchObject({
      rule: 'V4',
      routedTo: 'a',
    })
  })

  test('does not end while two hosts are primary: it is open which of them counts', () => {
    const ruled = {wrote: [wrote(1, 'a'), wrote(2, 'c')], voids: [{timeline: 2, host: 'c', for: 'a'}]}
    expect(pairs(ruled, [primary('a'), primary('b'), standby('c', {of: 'a'})]).voids).toEqual(ruled.voids)
    expect(pairs(ruled, [primary('a'), failing('b'), standby('c', {of: 'a'})]).voids).toEqual([])
  })
})

test('S4: the position of a standby is kept until each primary of its timeline was asked after its answer', () => {
  const kept = (primaryAge: number) =>
    judgementOf({hosts: [primary('a', {ageMs: primaryAge}), standby('b', {ageMs: 30})]}).notes.positions
  expect(kept(30)).toMatchObject([{host: 'b', received: '0/3000000'}])
  expect(kept(29)).toEqual([])
})

describe('S17: the word of the operator', () => {
  const accepted = (wroteBefore: readonly ReturnType<typeof wrote>[], hosts: Parameters<typeof viewOf>[0]) =>
    acceptedIn({...blankMemory, systemIdentifier: OURS, wrote: wroteBefore}, 'a', viewOf(hosts, OURS))

  test('overrules another writer of the same timeline', () => {
    const hosts = [primary('a', {timeline: 2}), failing('b')]
    const memory = accepted([wrote(2, 'a'), wrote(2, 'b')], hosts)
    expect(memory.voids).toEqual([{timeline: 2, host: 'b', for: 'a'}])
    expect(judgementOf({hosts, memory}).verdict.routedTo).toBe('a')
    expect(judgementOf({hosts: [failing('a'), primary('b', {timeline: 2})], memory}).verdict.routedTo).toBeNull()
  })

  test('overrules what the accepted host itself had, and lost', () => {
    const hosts = [primary('a', {lsn: '0/4100000'}), failing('b')]
    const memory = accepted(lost.wrote, hosts)
    expect(judgementOf({hosts, memory}).verdict).toMatchObject({rule: 'V4', routedTo: 'a'})
  })

  test('about the position of a standby ends when the standby streams again', () => {
    const ruled = {voidStandbys: {b: '0/4000000', c: '0/4000000'}}
    const hosts = [primary('a'), standby('b', {of: 'a'}), failing('c')]
    expect(pairs(ruled, hosts).voidStandbys).toEqual({c: '0/4000000'})
  })
})
