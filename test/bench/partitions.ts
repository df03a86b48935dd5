import {judgedFrom, ofThree, ofTwo, setsOfDaemons, type World, worldOf} from '../support/partition-world.ts'
import {partitions} from '../support/repmgr-recordings.ts'
import {openByPrimgr, routeByRepmgr} from '../support/repmgr-world.ts'
import type {Row} from './table.ts'

/** By rule, per network in the same order: the hosts that may be written to. `ab`: the old primary and the new one. */
type Opened = Readonly<Record<string, readonly string[]>>

/** Every network of three nodes and a witness, and of two and one: our rules beside those of harepd and primgr. */
export function networks(): readonly Row[] {
  const three = partitions('partitions-3+w.txt')
  const two = partitions('partitions-2+w.txt')
  const ofWitness = (state: string) => two.filter(([, witness]) => witness === state).map((cells) => cells[3] ?? '')
  return [
    ...rowsOf(
      '3 nodes and a witness',
      ofThree.map((row) => worldOf(row, ['a', 'b', 'c'])),
      {
        harepd: three.map((cells) => cells[2] ?? ''),
        'harepd, stale witness': three.map((cells) => cells[3] ?? ''),
      },
    ),
    ...rowsOf(
      '2 nodes and a witness',
      ofTwo.map((row) => worldOf(row, ['a', 'b'])),
      {
        harepd: ofWitness('fresh'),
        'harepd, stale witness': ofWitness('stale'),
      },
    ),
  ]
}

function rowsOf(title: string, worlds: readonly World[], harepd: Opened): readonly Row[] {
  const byPeers = (world: World, from: string, daemons: readonly string[]) =>
    judgedFrom(world, from, daemons, daemons.includes('w') ? 'w' : null).verdict.routedTo
  const gates = (route: (world: World, from: string) => string | null) =>
    worlds.map((world) => world.hosts.filter((host) => route(world, host) === host).join('') || '-')
  const ours: Opened = {
    repmgr: gates(routeByRepmgr),
    peers: gates((world, from) => byPeers(world, from, [...world.hosts, 'w'])),
  }
  const theirs: Opened = {
    ...harepd,
    primgr: worlds.map((world) => openByPrimgr(world, 'fresh')),
    'primgr, stale witness': worlds.map((world) => openByPrimgr(world, 'stale')),
    'primgr, witness without it': worlds.map((world) => openByPrimgr(world, null)),
  }
  const count = (opened: Opened, isSo: (open: string, world: World) => boolean) =>
    Object.entries(opened)
      .map(([rule, opens]) => `${rule} ${opens.filter((open, index) => isSo(open, worlds[index] as World)).length}`)
      .join('; ')
  const row = (figure: string, isSo: (open: string, world: World) => boolean): Row => ({
    figure: `${title}, ${worlds.length} networks: ${figure}`,
    measured: count(ours, isSo),
    target: '',
    comparison: count(theirs, isSo),
    met: null,
  })
  const double = {repmgr: 0, peers: 0}
  let sets = 0
  for (const world of worlds)
    for (const daemons of setsOfDaemons(world.hosts)) {
      sets += 1
      const routes = (route: (from: string) => string | null) => new Set(daemons.flatMap((from) => route(from) ?? []))
      if (routes((from) => routeByRepmgr(world, from)).size > 1) double.repmgr += 1
      if (routes((from) => byPeers(world, from, daemons)).size > 1) double.peers += 1
    }
  return [
    {
      figure: `${title}: sets of two to four daemons that route to two hosts, of ${sets}`,
      measured: `repmgr ${double.repmgr}; peers ${double.peers}`,
      target: '0',
      comparison: '',
      met: double.repmgr + double.peers === 0,
    },
    row('two hosts are open', (open) => open.length > 1),
    row('the old primary is open after the promotion', (open, {promoted}) => promoted === 'b' && open.includes('a')),
    row('no host is open', (open) => open === '-'),
  ]
}
