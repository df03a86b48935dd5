import {globSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {importsOf, violation} from '../support/import-rule.ts'

const src = join(import.meta.dirname, '..', '..', 'src')
const files = globSync('**/*.{ts,tsx}', {cwd: src})

test('arrows point at core', () => {
  expect(files.length).toBeGreaterThan(30)
  const violations = files.flatMap((from) =>
    importsOf(readFileSync(join(src, from), 'utf8')).map((to) => violation({from, to})),
  )
  expect(violations.filter((found) => found !== null)).toEqual([])
})

test.each([
  ['core/verdict.ts', 'node:fs'],
  ['core/verdict.ts', '../monitor/board.ts'],
  ['core/verdict.ts', 'pg'],
  ['monitor/board.ts', '../config/config.ts'],
  ['monitor/board.ts', 'node:timers'],
  ['sources/pg/driver.ts', '../daemon/ask.ts'],
  ['actuators/haproxy/push.ts', '../hook/run.ts'],
  ['sources/pg/driver.ts', '../../config/load.ts'],
  ['connector/pool.ts', 'ink'],
  ['ui/screen.tsx', '../app/compose.ts'],
  ['commands/check.ts', '../sources/pg/driver.ts'],
])('the guard fires: %s importing %s', (from, to) => {
  expect(violation({from, to})).not.toBeNull()
})

test('it sees every way to import', () => {
  const text = `import a from 'a'\nimport type {B} from "b"\nexport * from 'c'\nawait import('d')\ntype E = import('e').E\nimport 'f'\nimport {\n  g,\n} from 'g'`
  expect(importsOf(text)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
})
