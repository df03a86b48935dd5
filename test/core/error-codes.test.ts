import {globSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {errorGuide} from '../../src/core/error-codes.ts'

const src = join(import.meta.dirname, '..', '..', 'src')
const sources = globSync('**/*.{ts,tsx}', {cwd: src})
  .filter((file) => !file.endsWith('error-codes.ts'))
  .map((file) => readFileSync(join(src, file), 'utf8'))

/** `readNamed` builds these from what the file holds. */
const built = ['CA_UNREADABLE', 'TOKEN_UNREADABLE', 'FILE_UNREADABLE']

test('every code of the guide is one that the product can answer', () => {
  const unused = Object.keys(errorGuide).filter((code) => !sources.some((text) => text.includes(`'${code}'`)))
  expect(unused.filter((code) => !built.includes(code))).toEqual([])
})

test('every text of the guide is a sentence', () => {
  const texts = Object.values(errorGuide).flatMap(({meaning, next}) => [meaning, next])
  expect(texts.filter((text) => !/^[A-Z`"\p{L}/].*\.$/u.test(text))).toEqual([])
})
