import {expect, test} from 'vitest'
import {judgedFrom, ofThree, ofTwo, setsOfDaemons, type World, worldOf} from '../support/partition-world.ts'

/** Whom the daemon on `from` routes to. */
const routeFrom = (world: World, from: string, daemons: readonly string[], witness: string | null) =>
  judgedFrom(world, from, daemons, witness).verdict.routedTo

const routes = (world: World, daemons: readonly string[], witness: string | null): readonly string[] => [
  ...new Set(daemons.flatMap((from) => (from === witness ? [] : (routeFrom(world, from, daemons, witness) ?? [])))),
]

/** The hosts whose own daemon routes to them: as harepd's gates are counted. */
const gates = (world: World, daemons: readonly string[], witness: string | null): string =>
  world.hosts.filter((host) => routeFrom(world, host, daemons, witness) === host).join('') || '-'

test.each([
  ['three hosts and a witness', ofThree, ['a', 'b', 'c']],
  ['two hosts and a witness', ofTwo, ['a', 'b']],
] as const)('%s: in no network do two to four daemons route to two hosts', (_, rows, hosts) => {
  expect(rows.length).toBe(hosts.length === 3 ? 128 : 16)
  let routed = 0
  for (const row of rows)
    for (const daemons of setsOfDaemons(hosts))
      for (const witness of daemons.includes('w') ? ['w', null] : [null]) {
        const found = routes(worldOf(row, hosts), daemons, witness)
        expect(found.length, JSON.stringify({...row, daemons, witness})).toBeLessThanOrEqual(1)
        routed += found.length
      }
  // A rule that lets no host through would pass, too.
  expect(routed).toBeGreaterThan(rows.length)
})

test('three hosts: peers open what a majority of the data nodes opens, and harepd opens two in eight networks', () => {
  const opened = ofThree.map((row) => {
    const ours = gates(worldOf(row, ['a', 'b', 'c']), ['a', 'b', 'c', 'w'], 'w')
    expect(ours, JSON.stringify(row)).toBe(row.majority3)
    return {ours, harepd: row.harepd}
  })
  const ofBoth = (rule: 'ours' | 'harepd') => opened.filter((row) => row[rule].length > 1).length
  expect({harepd: ofBoth('harepd'), ours: ofBoth('ours')}).toEqual({harepd: 8, ours: 0})
})

test('two hosts: the witness breaks the tie, as recorded', () => {
  for (const row of ofTwo)
    expect(gates(worldOf(row, ['a', 'b']), ['a', 'b', 'w'], 'w'), JSON.stringify(row)).toBe(row.ours)
})
