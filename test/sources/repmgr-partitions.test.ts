import {describe, expect, test} from 'vitest'
import {ofThree, ofTwo, setsOfDaemons, type World, worldOf} from '../support/partition-world.ts'
import {partitions} from '../support/repmgr-recordings.ts'
import {openByPrimgr, routeByRepmgr} from '../support/repmgr-world.ts'

const three = ['a', 'b', 'c']
const two = ['a', 'b']
/** Hosts whose own daemon routes to them: as the gates of harepd, and the 200 of primgr, are counted. */
const gates = (world: World) => world.hosts.filter((host) => routeByRepmgr(world, host) === host).join('') || '-'

describe('every partition', () => {
  test.each([
    ['three nodes and a witness', ofThree, three, 128],
    ['two nodes and a witness', ofTwo, two, 16],
  ] as const)('%s: in no network do two to four daemons route to two hosts', (_, rows, hosts, count) => {
    expect(rows).toHaveLength(count)
    let routed = 0
    for (const row of rows)
      for (const hasFollowed of [false, true]) {
        const world = {...worldOf(row, hosts), hasFollowed}
        const routes = new Map([...hosts, 'w'].map((from) => [from, routeByRepmgr(world, from)]))
        for (const daemons of setsOfDaemons(hosts)) {
          const found = new Set(daemons.flatMap((from) => routes.get(from) ?? []))
          expect(found.size, JSON.stringify({...row, hasFollowed, daemons})).toBeLessThanOrEqual(1)
          routed += found.size
        }
      }
    // A rule that lets no host through would pass, too.
    expect(routed).toBeGreaterThan(rows.length)
  })

  test('of three nodes, a daemon beside one opens no other primary than a majority of data nodes does', () => {
    const ours = ofThree.map((row) => ({...row, routed: gates(worldOf(row, three))}))
    // Where c hears both, the peers' majority has two primaries in its view and names none; repmgr goes
    // by whom c follows, and that is b alone.
    const different = ours.filter(({routed, majority3}) => routed !== majority3)
    expect(different.every(({edges, routed}) => edges.includes('ac') && edges.includes('bc') && routed === 'b')).toBe(
      true,
    )
    expect(ours.filter(({promoted, routed}) => promoted === 'b' && routed === 'a')).toHaveLength(8)
    expect(ours.filter(({routed}) => routed === '-').length).toBeLessThan(64)
  })

  test('harepd opens two in eight networks, as recorded; primgr in none, but the old one by a stale witness', () => {
    const recorded = partitions('partitions-3+w.txt')
    const asBoth = (column: number) => recorded.filter((cells) => cells[column] === 'ab').length
    expect([asBoth(2), asBoth(3)]).toEqual([8, 8])
    for (const [promoted = '', witness, edges = '', , withWitness, without] of partitions('partitions-2+w.txt')) {
      const world = worldOf({promoted, edges}, two)
      expect(openByPrimgr(world, witness === 'stale' ? 'stale' : 'fresh'), `${promoted} ${witness} ${edges}`).toBe(
        withWitness,
      )
      expect(openByPrimgr(world, null), `${promoted} ${edges}`).toBe(without)
    }
  })
})
