import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {mutated} from './copy.ts'
import {mutations} from './mutations.ts'

const root = join(import.meta.dirname, '..', '..')
const spec = readFileSync(join(root, 'src/core/SPEC.md'), 'utf8')
const rulesOfSpec = [...spec.matchAll(/^\| ([SRH]\d+) \|/gm)].map(([, rule]) => rule)

test.each(mutations)('$name: its text is in src/$file once, and it changes the file', (mutation) => {
  const before = readFileSync(join(root, 'src', mutation.file), 'utf8')
  expect(mutated(mutation, root)).not.toBe(before)
})

test('each rule about safety, roles and Patroni of SPEC.md is broken by a mutation', () => {
  expect(rulesOfSpec.length).toBeGreaterThanOrEqual(30)
  expect(rulesOfSpec.filter((rule) => !mutations.some((mutation) => mutation.rule === rule))).toEqual([])
})

test('there are forty mutations at least, each with a name of its own', () => {
  expect(mutations.length).toBeGreaterThanOrEqual(40)
  expect(new Set(mutations.map(({name}) => name)).size).toBe(mutations.length)
})

test('a mutation whose text is gone fails the run; one that the formatter has broken into lines does not', () => {
  const [first] = mutations
  if (first === undefined) throw new Error('there are no mutations')
  const text = first.text.replaceAll(' ', '\n    ')
  expect(mutated({...first, text}, root)).toBe(mutated(first, root))
  expect(() => mutated({...first, text: 'a text that is not there'}, root)).toThrow(/has this text 0 times, not once/)
})
