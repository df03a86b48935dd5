import {execFileSync} from 'node:child_process'
import {rename, rm} from 'node:fs/promises'
import {startDaemon} from '../bench/daemon.ts'
import {followersOf, type PgNode, startTestCluster, until} from '../support/cluster.ts'
import {type Moment, Scene, yamlFor} from './scene.ts'

export type Played = Readonly<{
  title: string
  hazard: string
  /** In words, what the naive check would have cost. */
  cost: string
  /** What host1 says of its version. */
  server: string
  moments: readonly Moment[]
  failures: readonly string[]
}>

const write = (node: PgNode, rows: number) => node.sql(`insert into written select generate_series(1, ${rows})`)
const streams = (from: PgNode, names: string) => until(async () => (await followersOf(from)).join() === names)
const replayed = (node: PgNode, rows: number) =>
  until(() =>
    node.sql('select count(*)::int as count from written').then(
      ([row]) => row?.count === rows,
      // The table is not replayed yet.
      () => false,
    ),
  )
const healthy = {situations: ['healthy'], routed: ['host1']} as const

type Script = Pick<Played, 'title' | 'hazard' | 'cost'> & Readonly<{play(scene: Scene): Promise<void>}>

const scripts: readonly Script[] = [
  {
    title: 'A standby is promoted by accident',
    hazard: 'A second primary appears while the first one lives and takes writes. Both answer like any primary.',
    cost: 'The naive check sends writers to both. What they write apart can never be joined again.',
    async play(scene) {
      await scene.compare('All is well', healthy)
      await scene.host('host2').promote()
      await write(scene.host('host2'), 100)
      await scene.compare('host2 is promoted, and takes 100 rows', {situations: ['two-primaries'], routed: []})
      await write(scene.host('host1'), 200)
      await scene.compare('host1 takes 200 other rows', {situations: ['two-primaries'], routed: []})
    },
  },
  {
    title: 'The first primary returns alone',
    hazard:
      'host1 dies and host2 is promoted. host3 follows host2. Then host2 dies too, and host1 comes back: the only ' +
      'primary in sight, without anything that was written since it died.',
    cost: 'The naive check sends writers to host1. The 500 rows that host2 had taken are missing there.',
    async play(scene) {
      const [host1, host2, host3] = [scene.host('host1'), scene.host('host2'), scene.host('host3')]
      await scene.compare('All is well', healthy)
      await host1.kill()
      await host2.promote()
      await host3.follow(host2)
      await streams(host2, 'host3')
      await write(host2, 500)
      await replayed(host3, 500)
      await scene.compare('host1 has died, host2 has taken 500 rows', {situations: ['healthy'], routed: ['host2']})
      await host2.kill()
      await scene.compare('host2 has died too', {situations: ['no-primary'], routed: []})
      await host1.start()
      const behind = ['old-primary-returned', 'primary-lost-wal']
      await scene.compare('host1 is back', {situations: behind, routed: []})
      await write(host1, 1)
      await scene.compare('host1 takes a row by another way', {situations: behind, routed: []})
    },
  },
  {
    title: 'A primary is restored from an earlier copy',
    hazard: 'A snapshot of the machine is put back. The server has its name, its timeline and its role, and less data.',
    cost: 'The naive check goes on as before. 500 rows are gone, and the standbys hold them.',
    async play(scene) {
      const host1 = scene.host('host1')
      await host1.stop()
      const copy = `${host1.data}.earlier`
      execFileSync('cp', ['-a', host1.data, copy])
      await host1.start()
      await streams(host1, 'host2,host3')
      await write(host1, 500)
      await Promise.all(['host2', 'host3'].map((name) => replayed(scene.host(name), 500)))
      await scene.compare('host1 has taken 500 rows', healthy)
      await host1.kill()
      await rm(host1.data, {recursive: true})
      await rename(copy, host1.data)
      await host1.start()
      const lost = {situations: ['primary-lost-wal'], routed: []} as const
      await scene.compare('host1 runs on the copy from before', lost)
      await write(host1, 5_000)
      await scene.compare('host1 has written past what it lost', lost)
    },
  },
]

/**
 * Each scene on three real servers of its own, with a daemon of its own. `server`: which PostgreSQL;
 * absent: Debian's where it is installed, else the one from npm.
 */
export async function playScenes(say: (line: string) => void, server?: 'embedded'): Promise<readonly Played[]> {
  const played: Played[] = []
  for (const script of scripts) {
    say(`  ${script.title} …`)
    played.push(await playOne(script, server))
  }
  return played
}

async function playOne({play, ...about}: Script, server?: 'embedded'): Promise<Played> {
  await using cluster = await startTestCluster({...(server && {server})})
  const host1 = cluster.node('host1')
  await host1.sql('create table written (n int)')
  const [said] = await host1.sql('select version()')
  await Promise.all(cluster.nodes.map((node) => replayed(node, 0)))
  await using daemon = await startDaemon(yamlFor(cluster))
  const scene = new Scene(cluster, daemon)
  await play(scene)
  return {...about, server: said?.version.split(' on ')[0], moments: scene.moments, failures: scene.failures}
}
