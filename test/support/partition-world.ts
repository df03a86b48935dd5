import {readFileSync} from 'node:fs'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import {describeHost} from '../../src/core/facts/host-state.ts'
import type {HostState, Snapshot} from '../../src/core/snapshot.ts'
import {viewToWire} from '../../src/protocol/view-json.ts'
import {viewFromWire} from '../../src/protocol/view-reader.ts'
import {assessPeers, type Voter} from '../../src/sources/peer/tally.ts'
import {failing, judgementOf, MAX_AGE, NOW, OURS, primary, standby, viewOf} from './records.ts'

/**
 * Every network of a few machines: a the old primary, b and c its standbys, w a witness. `edges` are
 * the pairs that reach each other. The letters of a rule: which hosts it lets writers go to.
 */
export type Recorded = Readonly<{promoted: string; edges: string; harepd: string}>
export type World = Readonly<{hosts: readonly string[]; promoted: string; edges: readonly string[]}> &
  /** The other standby has followed the new primary, and stays on its timeline when they are cut. */
  Readonly<{hasFollowed?: boolean}>

const recorded = <T extends Recorded>(name: string): readonly T[] =>
  JSON.parse(readFileSync(new URL(`../fixtures/peers/partitions-${name}.json`, import.meta.url), 'utf8'))
export const ofThree = recorded<Recorded & {majority3: string}>('3+w')
export const ofTwo = recorded<Recorded & {ours: string}>('2+w')

export const worldOf = ({promoted, edges}: Pick<Recorded, 'promoted' | 'edges'>, hosts: readonly string[]): World => ({
  hosts,
  promoted,
  edges: edges === 'none' ? [] : edges.split(' '),
})

export const reaches = ({edges}: World, one: string, other: string): boolean =>
  one === other || edges.includes([one, other].sort().join(''))

/** Each set of two to four daemons, of which each runs beside a host or on the machine of the witness. */
export function setsOfDaemons(hosts: readonly string[]): readonly (readonly string[])[] {
  const places = [...hosts, 'w']
  const sets = Array.from({length: 2 ** places.length}, (_, bits) => places.filter((_, index) => (bits >> index) % 2))
  return sets.filter(({length}) => length >= 2)
}

/** What the hosts answer to a daemon on the machine `from`. */
const recordsFrom = (world: World, from: string): readonly HostRecord[] =>
  world.hosts.map((name) => {
    if (!reaches(world, from, name)) return failing(name, 'timeout')
    if (name === 'a') return primary('a')
    if (name === world.promoted) return primary(name, {timeline: 2})
    const isOfNew = world.promoted !== '-' && (world.hasFollowed || reaches(world, name, world.promoted))
    return standby(name, isOfNew ? {of: world.promoted, timeline: 2} : {of: 'a'})
  })

function statesFrom(world: World, from: string): Readonly<Record<string, HostState>> {
  const view = viewOf(recordsFrom(world, from), OURS)
  const about = {view, primary: null, groups: ['all'], availabilityOn: false, since: 0}
  return Object.fromEntries(view.members.map((member) => [member.host, describeHost({...about, member})]))
}

/** What a daemon on `from` answers to a peer, written and read again. */
export function viewFrom(world: World, from: string) {
  const group = {name: 'all', hosts: world.hosts}
  const hosts = statesFrom(world, from)
  const snapshot = {epoch: `e-${from}`, groups: {all: group}, hosts} as unknown as Snapshot
  return viewFromWire(viewToWire(snapshot, 'all', {machineId: `m-${from}`, at: {now: NOW, wall: 0}}))
}

/** What the daemon on `from` makes of it. `witness`: the machine that is configured as one. */
export function judgedFrom(world: World, from: string, daemons: readonly string[], witness: string | null) {
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
  return judgementOf({
    hosts: recordsFrom(world, from),
    settings: {confirm: ['peers'], systemIdentifier: OURS},
    sources: {peers: (leader, view) => assessPeers(leader, view, {voters, us, maxAgeMs: MAX_AGE})},
  })
}

/** The snapshot of the daemon on `from`, as far as a guard reads it. */
export function snapshotFrom(world: World, from: string, daemons: readonly string[], witness: string | null): Snapshot {
  const {verdict, evidence} = judgedFrom(world, from, daemons, witness)
  const all = {name: 'all', hosts: world.hosts, verdict, evidence}
  return {epoch: `e-${from}`, groups: {all}, hosts: statesFrom(world, from)} as unknown as Snapshot
}
