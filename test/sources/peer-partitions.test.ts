import {readFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import {describeHost} from '../../src/core/facts/host-state.ts'
import type {Snapshot} from '../../src/core/snapshot.ts'
import {viewToWire} from '../../src/protocol/view-json.ts'
import {viewFromWire} from '../../src/protocol/view-reader.ts'
import {assessPeers, type Voter} from '../../src/sources/peer/tally.ts'
import {failing, judgementOf, MAX_AGE, NOW, OURS, primary, standby, viewOf} from '../support/records.ts'

/**
 * Every network of a few machines: a the old primary, b and c its standbys, w a witness. `edges` are the
 * pairs that reach each other. The letters of a rule: which hosts it lets writers go to.
 */
type Recorded = Readonly<{promoted: string; edges: string; harepd: string}>
type World = Readonly<{hosts: readonly string[]; promoted: string; edges: readonly string[]}>
const recorded = <T extends Recorded>(name: string): readonly T[] =>
  JSON.parse(readFileSync(new URL(`../fixtures/peers/partitions-${name}.json`, import.meta.url), 'utf8'))
const ofThree = recorded<Recorded & {majority3: string}>('3+w')
const ofTwo = recorded<Recorded & {ours: string}>('2+w')

const worldOf = ({promoted, edges}: Recorded, hosts: readonly string[]): World => ({
  hosts,
  promoted,
  edges: edges === 'none' ? [] : edges.split(' '),
})
const reaches = ({edges}: World, one: string, other: string) =>
  one === other || edges.includes([one, other].sort().join(''))

/** What the hosts answer to a daemon on the machine `from`. */
const recordsFrom = (world: World, from: string): readonly HostRecord[] =>
  world.hosts.map((name) => {
    if (!reaches(world, from, name)) return failing(name, 'timeout')
    if (name === 'a') return primary('a')
    if (name === world.promoted) return primary(name, {timeline: 2})
    const isOfNew = world.promoted !== '-' && reaches(world, name, world.promoted)
    return standby(name, isOfNew ? {of: world.promoted, timeline: 2} : {of: 'a'})
  })

/** What a daemon on `from` answers to a peer, written and read again. */
function viewFrom(world: World, from: string) {
  const view = viewOf(recordsFrom(world, from), OURS)
  const about = {view, primary: null, groups: ['all'], availabilityOn: false, since: 0}
  const states = view.members.map((member) => [member.host, describeHost({...about, member})])
  const group = {name: 'all', hosts: world.hosts}
  const snapshot = {epoch: `e-${from}`, groups: {all: group}, hosts: Object.fromEntries(states)} as unknown as Snapshot
  return viewFromWire(viewToWire(snapshot, 'all', {machineId: `m-${from}`, at: {now: NOW, wall: 0}}))
}

/** Whom the daemon on `from` routes to. `witness`: the machine that is configured as one. */
function routeFrom(world: World, from: string, daemons: readonly string[], witness: string | null) {
  const voters = daemons
    .filter((other) => other !== from)
    .map((name): Voter => {
      const word = {askedAt: NOW - 5, kind: 'view', view: viewFrom(world, name)} as const
      const isWitness = name === witness
      return reaches(world, from, name)
        ? {name, isWitness, word, trouble: null}
        : {name, isWitness, word: null, trouble: 'is silent'}
    })
  const us = {epoch: `e-${from}`, machineId: `m-${from}`}
  const {verdict} = judgementOf({
    hosts: recordsFrom(world, from),
    settings: {confirm: ['peers'], systemIdentifier: OURS},
    sources: {peers: (leader, view) => assessPeers(leader, view, {voters, us, maxAgeMs: MAX_AGE})},
  })
  return verdict.routedTo
}

const routes = (world: World, daemons: readonly string[], witness: string | null): readonly string[] => [
  ...new Set(daemons.flatMap((from) => (from === witness ? [] : (routeFrom(world, from, daemons, witness) ?? [])))),
]

/** The hosts whose own daemon routes to them: as harepd's gates are counted. */
const gates = (world: World, daemons: readonly string[], witness: string | null): string =>
  world.hosts.filter((host) => routeFrom(world, host, daemons, witness) === host).join('') || '-'

const subsets = (names: readonly string[]): readonly (readonly string[])[] =>
  Array.from({length: 2 ** names.length}, (_, bits) => names.filter((_, index) => (bits >> index) % 2 === 1))

test.each([
  ['three hosts and a witness', ofThree, ['a', 'b', 'c']],
  ['two hosts and a witness', ofTwo, ['a', 'b']],
] as const)('%s: in no network do two to four daemons route to two hosts', (_, rows, hosts) => {
  const sets = subsets([...hosts, 'w']).filter(({length}) => length >= 2)
  expect(rows.length).toBe(hosts.length === 3 ? 128 : 16)
  let routed = 0
  for (const row of rows)
    for (const daemons of sets)
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
