import {describe, expect, test} from 'vitest'
import {factsOf} from '../../src/core/facts/host-record.ts'
import type {SessionFacts} from '../../src/core/facts/observation.ts'
import type {HostSession} from '../../src/core/ports.ts'
import {inherited, marked, mayBeSame, provenSame} from '../../src/monitor/duplicates/duplicates.ts'
import {failing, primary} from '../support/records.ts'

const of = (first: string | null) => ({more: {duplicateOf: first}})

describe('two names are one server', () => {
  test('the second is marked before the first is unmarked: at no moment are both shown', () => {
    expect(marked('a', 'b', [primary('a', of('b')), primary('b')])).toEqual([
      ['b', 'a'],
      ['a', null],
    ])
  })
  test('names that were marked because of the second go over to the first, and go first', () => {
    expect(marked('a', 'b', [primary('a'), primary('b'), primary('c', of('b'))])).toEqual([
      ['c', 'a'],
      ['b', 'a'],
      ['a', null],
    ])
  })
})

describe('the shown name fell silent, and a marked one answers', () => {
  const silent = failing('a', 'timeout')
  test('it is shown from now on; the silent one and the others are marked before that', () => {
    expect(
      inherited(primary('b', {ageMs: 1, ...of('a')}), [silent, primary('b', of('a')), primary('c', of('a'))]),
    ).toEqual([
      ['c', 'b'],
      ['a', 'b'],
      ['b', null],
    ])
  })
  test('not on an answer to a question from before: it is from the server that fell silent', () => {
    expect(inherited(primary('b', {ageMs: 10, ...of('a')}), [silent, primary('b', of('a'))])).toEqual([])
  })
  test('not while the shown one answers, nor by falling silent too', () => {
    expect(inherited(primary('b', {ageMs: 1, ...of('a')}), [primary('a'), primary('b', of('a'))])).toEqual([])
    expect(inherited(failing('b', 'timeout', {duplicateOf: 'a'}), [silent, failing('b', 'timeout')])).toEqual([])
  })
  test('who is not marked inherits nothing', () =>
    expect(inherited(primary('b', {ageMs: 1}), [silent, primary('b')])).toEqual([]))
})

test.each([
  {one: {}, other: {}, may: true},
  {one: {}, other: {startedAt: 2}, may: false},
  {one: {}, other: {systemIdentifier: '1'}, may: false},
  {one: {systemIdentifier: null}, other: {}, may: true},
  {one: {}, other: {systemIdentifier: null}, may: true},
  {one: {systemIdentifier: null}, other: {startedAt: 2}, may: false},
])('what is unknown excludes no duplicate: $one and $other', ({one, other, may}) => {
  const facts = (change: Partial<SessionFacts>) => factsOf(primary('a', {session: change}))?.session as SessionFacts
  expect(mayBeSame(facts(one), facts(other))).toBe(may)
})

test.each([
  {shown: true, given: 'the server shows the backend of the other name', outcome: 'b'},
  {shown: false, given: 'the server does not show it', outcome: null},
  {shown: null, given: 'the server does not answer', outcome: null},
])('S9: only a proof makes duplicates: $given', async ({shown, outcome}) => {
  const {session: facts} = factsOf(primary('a')) ?? {}
  const session = {facts, hasBackend: async () => shown} as unknown as HostSession
  const others = [{name: 'b', session}]
  expect(await provenSame({name: 'a', session}, others, new AbortController().signal)).toBe(outcome)
})
