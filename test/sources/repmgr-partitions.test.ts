import {describe, expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import {assessRepmgr} from '../../src/sources/repmgr/rules.ts'
import type {Reading} from '../../src/sources/repmgr/table.ts'
import {failing, MAX_AGE, memberIn, primary, standby, viewOf} from '../support/records.ts'
import {partitions, repmgrSettings, table} from '../support/repmgr-recordings.ts'

type Place = 'a' | 'b' | 'c' | 'w'
/** Who is confirmed for a daemon beside each node, in one graph of what reaches what. */
function confirmedIn(nodes: readonly string[], isPromoted: boolean, edges: readonly string[]) {
  const reaches = (one: string, other: string) => one === other || edges.includes([one, other].sort().join(''))
  const isWitnessed = (text: string) => `${text} w=W+`
  const [before, after] = [
    isWitnessed(nodes.map((name) => `${name}=${name === 'a' ? 'P+' : 'S+'}`).join(' ')),
    isWitnessed(nodes.map((name) => `${name}=${name === 'a' ? 'P-' : name === 'b' ? 'P+' : 'S+'}`).join(' ')),
  ]
  /** c follows the promoted b where it can, and stays with a where it cannot. */
  const followedBy = (name: string) => (isPromoted && reaches(name, 'b') ? 'b' : reaches(name, 'a') ? 'a' : null)
  const truth = nodes.map((name): readonly [HostRecord, Reading] => {
    if (name === 'a') return [primary('a'), table(before)]
    if (name === 'b' && isPromoted) return [primary('b', {timeline: 2}), table(after)]
    const of = followedBy(name)
    const timeline = of === 'b' ? 2 : 1
    return [of === null ? standby(name) : standby(name, {of, timeline}), table(of === 'b' ? after : before)]
  })
  const places = [...nodes, 'w'] as readonly Place[]
  return places.map((place) => {
    const hosts = truth.map(([record]) =>
      reaches(place, record.settings.name) ? record : failing(record.settings.name, 'timeout'),
    )
    const tables = Object.fromEntries(
      truth.flatMap(([{settings}, reading]) => (reaches(place, settings.name) ? [[settings.name, reading]] : [])),
    )
    const primaries = hosts.filter(({observation}) => observation?.kind === 'facts' && !observation.facts.inRecovery)
    // Two primaries in sight are a split brain, whatever repmgr says.
    const [only, ...others] = primaries.map(({settings}) => settings.name)
    if (only === undefined || others.length > 0) return {place, routed: null}
    const view = viewOf(hosts)
    const {answer} = assessRepmgr({
      leader: memberIn(view, only),
      view,
      readings: new Map(Object.entries(tables)),
      settings: repmgrSettings,
      limits: {maxAgeMs: MAX_AGE, followersMaxAgeMs: 5_000},
    })
    return {place, routed: answer === 'confirms' ? only : null}
  })
}

describe('every partition', () => {
  test.each([
    ['partitions-3+w.txt', ['a', 'b', 'c'], 128],
    ['partitions-2+w.txt', ['a', 'b'], 32],
  ] as const)('%s: daemons beside all nodes never confirm two primaries', (file, nodes, count) => {
    const graphs = partitions(file)
    expect(graphs).toHaveLength(count)
    const two = graphs.filter((cells) => {
      const edges = cells.find((cell) => cell === 'none' || /^\w\w( \w\w)*$/.test(cell)) ?? ''
      const routed = confirmedIn(nodes, cells[0] === 'b', edges.split(' ')).flatMap(({routed}) => routed ?? [])
      return new Set(routed).size > 1
    })
    expect(two).toEqual([])
    // The rules of harepd and pg_primgr on the same graphs.
    const asBoth = (column: number) => graphs.filter((cells) => cells[column] === 'ab').length
    if (count === 128) expect([asBoth(2), asBoth(3)]).toEqual([8, 8])
  })

  test('of three nodes, a daemon beside one opens no other primary than a majority of data nodes does', () => {
    const graphs = partitions('partitions-3+w.txt')
    const ours = graphs.map(([promoted, edges = '', , , majority = '']) => {
      const routed = confirmedIn(['a', 'b', 'c'], promoted === 'b', edges.split(' '))
        .filter(({place, routed}) => place === routed)
        .map(({place}) => place)
      return {promoted, edges, routed: routed.join('') || '-', majority}
    })
    // Where c hears both, the peers' majority has two primaries in its view and names none; repmgr goes
    // by whom c follows, and that is b alone.
    const different = ours.filter(({routed, majority}) => routed !== majority)
    expect(different.every(({edges, routed}) => edges.includes('ac') && edges.includes('bc') && routed === 'b')).toBe(
      true,
    )
    expect(ours.filter(({promoted, routed}) => promoted === 'b' && routed === 'a')).toHaveLength(8)
    expect(ours.filter(({routed}) => routed === '-').length).toBeLessThan(64)
  })
})
