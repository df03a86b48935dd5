import {globSync, readFileSync} from 'node:fs'
import {basename, join} from 'node:path'
import {expect, test} from 'vitest'
import {circlesOf, importsOf, isPure, pureFiles, type Rule, rooms, targetOf, violation} from '../support/import-rule.ts'

const src = join(import.meta.dirname, '..', '..', 'src')
const files = globSync('**/*.{ts,tsx}', {cwd: src})
const read = (file: string) => importsOf(readFileSync(join(src, file), 'utf8'))

test('arrows point at core', () => {
  expect(files.length).toBeGreaterThan(30)
  const violations = files.flatMap((from) => read(from).map((found) => violation({from, ...found})))
  expect(violations.filter((found) => found !== null)).toEqual([])
})

test('no circle of files, type imports included', () => {
  const imports = files.map((from): [string, string[]] => [
    from,
    read(from).flatMap(({to}) => targetOf({from, to}) ?? []),
  ])
  const dangling = imports.flatMap(([from, all]) =>
    all.filter((to) => !files.includes(to)).map((to) => `${from} → ${to}`),
  )
  expect(dangling).toEqual([])
  expect(circlesOf(new Map(imports))).toEqual([])
})

test.each([
  {given: 'two files', imports: {a: ['b'], b: ['a']}, circles: [['a', 'b']]},
  {given: 'a file and itself', imports: {a: ['a']}, circles: [['a']]},
  {
    given: 'three files, entered from outside',
    imports: {x: ['b'], a: ['b'], b: ['c'], c: ['a']},
    circles: [['a', 'b', 'c']],
  },
  {given: 'two ways to one file', imports: {a: ['b', 'c'], b: ['d'], c: ['d'], d: []}, circles: []},
])('circles of $given', ({imports, circles}) => {
  expect(circlesOf(new Map(Object.entries(imports)))).toEqual(circles)
})

test.each([
  ['core/verdict.ts', 'node:fs'],
  ['core/verdict.ts', '../monitor/board.ts'],
  ['core/verdict.ts', 'pg'],
  ['core/verdict.ts', '../protocol/snapshot-json.ts'],
  ['monitor/board.ts', '../config/config.ts'],
  ['monitor/board.ts', 'node:timers'],
  ['sources/pg/driver.ts', '../daemon/get-unix.ts'],
  ['sources/pg/driver.ts', '../../config/load.ts'],
  ['actuators/haproxy/actuator.ts', '../hook/command.ts'],
  ['actuators/haproxy/plan.ts', 'node:net'],
  ['actuators/haproxy/plan.ts', './runtime.ts'],
  ['actuators/haproxy/cfg.ts', '../../system/files.ts'],
  ['actuators/agent/answer.ts', './server.ts'],
  ['actuators/hook/event.ts', '../haproxy/plan.ts'],
  ['actuators/pgbouncer/destination.ts', 'pg'],
  ['actuators/pgbouncer/include.ts', './include-file.ts'],
  ['actuators/pgbouncer/state.ts', './read.ts'],
  ['actuators/pgbouncer/problems.ts', './console.ts'],
  ['actuation/loop.ts', '../monitor/monitor.ts'],
  ['api/app.ts', '../config/load.ts'],
  ['connector/pool.ts', 'ink'],
  ['ui/screen.tsx', '../app/serve/compose.ts'],
  ['app/check/check.ts', '../serve/compose.ts'],
  ['app/serve/serve.ts', '../../commands/serve.ts'],
  ['attic/anything.ts', '../core/verdict.ts'],
])('the guard fires: %s importing %s', (from, to) => {
  expect(violation({from, to})).not.toBeNull()
})

test('pure files of actuators/ are found by name, and every pure name is in use', () => {
  const names = files.filter(isPure).map((file) => basename(file, '.ts'))
  expect([...new Set(names)].sort()).toEqual([...pureFiles].sort())
})

test.each([
  ['actuators/pgbouncer/plan.ts', '../../core/snapshot.ts'],
  ['actuators/hook/event.ts', '../../protocol/snapshot-json.ts'],
  ['actuators/pgbouncer/plan.ts', './include.ts'],
])('a pure file may import: %s %s', (from, to) => {
  expect(violation({from, to})).toBeNull()
})

test('a type is let through where only types are allowed', () => {
  const [from, to] = ['actuation/loop.ts', '../monitor/monitor.ts']
  expect(violation({from, to, isType: true})).toBeNull()
  expect(violation({from, to, isType: false})).not.toBeNull()
})

test('it sees every way to import', () => {
  const text =
    `import a from 'a'\nimport type {B} from "b"\nexport * from 'c'\nawait import('d')\n` +
    `type E = import('e').E\nimport 'f'\nimport {\n  g,\n} from 'g'`
  expect(importsOf(text).map(({to}) => to)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  expect(importsOf(text).flatMap(({to, isType}) => (isType ? [to] : []))).toEqual(['b'])
})

/** "`core`, types of `config`, any package" */
function cellOf({rooms, types = [], packages}: Rule): string {
  const nameOf = (name: string, all: string) => (name === '*' ? all : `\`${name}\``)
  const words = [
    ...rooms.map((room) => nameOf(room, 'every room')),
    ...types.map((room) => `types of \`${room}\``),
    ...packages.map((name) => nameOf(name, 'any package')),
  ]
  return words.join(', ') || 'nothing'
}

test('CONTRIBUTING.md has a row for each room, with what the room may import', () => {
  const page = readFileSync(join(src, '..', 'CONTRIBUTING.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `(?<room>[^`]+)` \| .+ \| (?<cell>.*) \|$/gm)]
  expect(Object.fromEntries(rows.map(({groups}) => [groups?.room, groups?.cell]))).toEqual(
    Object.fromEntries(Object.entries(rooms).map(([room, rule]) => [room, cellOf(rule)])),
  )
})
