import {expect, test} from 'vitest'
import {isFailure} from '../../src/core/ports.ts'
import {type PgFailure, pgFailure} from '../../src/sources/pg/failure.ts'
import {askInParts} from '../../src/sources/pg/parts/ask-in-parts.ts'
import {Known} from '../../src/sources/pg/parts/known.ts'
import {type Parts, part} from '../../src/sources/pg/parts/part.ts'
import {VirtualClock} from '../support/virtual-clock.ts'
import {connection} from './pg-server.ts'

const letters = [...'abcdefghijklmno']
const parts: Parts = Object.fromEntries(letters.map((name) => [name, part(`fact ${name}`, `${name}()`, name, 'null')]))

const timeout = pgFailure('timeout', 'cut')

/** A server that refuses `bad`, says of `denied` that it denies them, and is cut after `limit` questions. */
function server({bad = [] as readonly string[], denied = [] as readonly string[], base = true, limit = 99} = {}) {
  const asked: string[] = []
  const answer = (question: string, failure: PgFailure | null) => {
    if (asked.length >= limit) return timeout
    asked.push(question)
    return failure
  }
  const refusing = [...bad, ...denied]
  return {
    asked,
    ask: async (without: ReadonlySet<string>) => {
      const names = letters.filter((name) => !without.has(name))
      const isRefused = !base || names.some((name) => refusing.includes(name))
      return answer(names.join(''), isRefused ? pgFailure('error', 'no', '0A000') : null) ?? [{}]
    },
    deniedOf: async (needs: readonly string[]) => {
      const failure = answer('?', null)
      return failure === null ? needs.filter((need) => denied.includes(need.slice(0, -2))) : null
    },
  }
}

function knowing() {
  const clock = new VirtualClock()
  const warnings: string[] = []
  const known = new Known(clock, connection(), (text) => warnings.push(text))
  return {clock, warnings, known}
}

test('a server that refuses nothing is asked one question', async () => {
  const {known} = knowing()
  const {asked, ...rest} = server()
  expect(await askInParts({parts, known: known.probe, ...rest})).toEqual([{}])
  expect(asked).toHaveLength(1)
})

test('what a role is denied takes three questions, and the next session takes one', async () => {
  const {known, warnings} = knowing()
  const {asked, ...rest} = server({denied: ['b', 'k']})
  expect(await askInParts({parts, known: known.probe, ...rest})).toEqual([{}])
  expect(asked).toEqual(['abcdefghijklmno', '?', 'acdefghijlmno'])
  await askInParts({parts, known: known.probe, ...rest})
  expect(asked).toHaveLength(4)
  expect(warnings).toHaveLength(2)
})

test.each([['a'], ['o'], ['a', 'h', 'i', 'o'], letters])(
  'what is not supported is found by halves: %s',
  async (...bad) => {
    const {known} = knowing()
    expect(isFailure(await askInParts({parts, known: known.probe, ...server({bad})}))).toBe(false)
    expect([...known.probe.without]).toEqual(bad)
  },
)

test('a search that is cut goes on in the next session, whatever the limit', async () => {
  const {known} = knowing()
  const session = () => askInParts({parts, known: known.probe, ...server({bad: ['c', 'n'], limit: 4})})
  const answers = [await session(), await session(), await session(), await session(), await session()]
  expect(answers).toEqual([timeout, timeout, timeout, timeout, [{}]])
  expect([...known.probe.without]).toEqual(['c', 'n'])
})

test('where the question fails without any part, its failure is the answer, and no part is blamed', async () => {
  const {known, warnings} = knowing()
  const {asked, ...rest} = server({base: false})
  expect(await askInParts({parts, known: known.probe, ...rest})).toMatchObject({sqlstate: '0A000'})
  expect(asked).toEqual([letters.join(''), '?', ''])
  expect([warnings, [...known.probe.without], known.probe.suspects]).toEqual([[], [], []])
})

test('another version of the server is asked for everything again', () => {
  const {known} = knowing()
  expect(known.isOutdatedBy(150_001)).toBe(false)
  for (const question of [known.session, known.probe]) question.add('a', parts.a as Parts[string], [], 'no')
  expect(known.isOutdatedBy(150_001)).toBe(false)
  expect([known.session.without.size, known.probe.without.size]).toEqual([1, 1])
  expect(known.isOutdatedBy(160_000)).toBe(true)
  expect([known.session.without.size, known.probe.without.size]).toEqual([0, 0])
})

test('once a minute the server is asked what is granted by now, and only that is asked again', async () => {
  const {clock, known} = knowing()
  known.probe.add('a', parts.a as Parts[string], ['a()'], 'no')
  known.probe.add('b', parts.b as Parts[string], ['b()'], 'no')
  known.probe.add('c', parts.c as Parts[string], [], 'not supported')
  expect(known.isCheckDue).toBe(true)
  expect(await known.isRegranted(async () => ['a()', 'b()'])).toBe(false)
  expect(await known.isRegranted(async () => null)).toBe(false)
  expect(known.isCheckDue).toBe(false)
  await clock.run(60_000)
  expect(known.isCheckDue).toBe(true)
  expect(await known.isRegranted(async () => ['b()'])).toBe(true)
  expect([...known.probe.without]).toEqual(['b', 'c'])
})
