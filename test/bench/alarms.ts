import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {setTimeout as sleep} from 'node:timers/promises'
import {debian, followersOf, hostsYaml, type PgNode, startTestCluster, until} from '../support/cluster.ts'
import {busyLoops} from './busy-loops.ts'
import {type Daemon, startDaemon} from './daemon.ts'
import type {Options, Row} from './table.ts'
import {ToolMissing} from './tool.ts'

const everyMs = 15_000

/**
 * A primary under full write load, with a synchronous standby, one behind it in a cascade, an
 * asynchronous one and one that is fed from the archive. They restart, the primary crashes and comes
 * back, and eight busy loops run beside it all: nothing of that may look as if the primary had lost
 * something (V2).
 */
export async function run({short, minutes}: Options): Promise<readonly Row[]> {
  const pgbench = `${debian}/pgbench`
  if (!existsSync(pgbench)) throw new ToolMissing('pgbench', 'postgresql-15')
  const forMs = (minutes ?? (short ? 1 : 10)) * 60_000
  await using cluster = await startTestCluster({
    nodes: 5,
    upstreams: {host2: 'host1', host3: 'host2', host4: 'host1', host5: 'host1'},
    conf: (name) => [
      'max_wal_senders = 10',
      ...(name === 'host1'
        ? ['archive_mode = on', `archive_command = 'mkdir -p ../archive && cp %p ../archive/%f'`]
        : []),
      ...(name === 'host5' ? [`restore_command = 'cp ../archive/%f %p'`] : []),
    ],
  })
  const [host1, host2, host3, host4, host5] = cluster.nodes as readonly [PgNode, PgNode, PgNode, PgNode, PgNode]
  await until(async () => (await followersOf(host1)).length === 3)
  await host5.sql(`alter system set primary_conninfo = ''`)
  await host5.sql('select pg_reload_conf()')
  await host1.sql(`alter system set synchronous_standby_names = 'host2'`)
  await host1.sql('select pg_reload_conf()')
  using load = new Load(pgbench, cluster.folder, host1.port)
  await load.begin()
  using _ = busyLoops(8)
  await using daemon = await startDaemon(`${hostsYaml(cluster)}\nprobe: {knock_interval: 1s}`)
  await daemon.poll('/v1/primary', ({body}) => body === '["host1"]')

  const end = performance.now() + forMs
  const restarted = [host4, host3, host1, host2, host5]
  let [restarts, crashes] = [0, 0]
  while (performance.now() < end) {
    await sleep(Math.min(everyMs, Math.max(0, end - performance.now())))
    const node = restarted[(restarts + crashes) % restarted.length] as PgNode
    if (node === host1) {
      await host1.kill()
      await host1.start()
      crashes += 1
    } else {
      await node.restart('fast')
      restarts += 1
    }
  }
  const alarms = await alarmsOf(daemon)
  return [
    {
      figure: `${forMs / 60_000} min of writes: the primary is said to be behind (V2)`,
      measured: `${alarms.length} times`,
      target: '0',
      comparison:
        alarms.join('; ') ||
        `${load.transactions} transactions, ${restarts} restarts of standbys, ${crashes} crashes of the primary`,
      met: alarms.length === 0,
    },
  ]
}

async function alarmsOf(daemon: Daemon): Promise<readonly string[]> {
  const {changes} = JSON.parse((await daemon.ask('/v1/changes')).body) as {changes: readonly Change[]}
  return changes.filter(({rule}) => rule === 'V2').map(({why}) => why)
}
type Change = Readonly<{rule: string | null; why: string}>

/** pgbench, begun anew after each crash. */
class Load implements Disposable {
  transactions = 0
  readonly #pgbench: string
  readonly #to: readonly string[]
  #child: ChildProcess | null = null
  #isOver = false

  constructor(pgbench: string, folder: string, port: number) {
    this.#pgbench = pgbench
    this.#to = ['-h', folder, '-p', `${port}`, '-U', 'postgres', 'postgres']
  }

  async begin(): Promise<void> {
    const made = spawn(this.#pgbench, ['-i', '-q', '-s', '5', ...this.#to], {stdio: 'ignore'})
    const [code] = await once(made, 'exit')
    if (code !== 0) throw new Error(`pgbench -i ended with ${code}`)
    void this.#write()
  }

  async #write(): Promise<void> {
    while (!this.#isOver) {
      const child = spawn(this.#pgbench, ['-n', '-c', '8', '-T', '86400', '-P', '1', ...this.#to], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      this.#child = child
      // progress: 1.0 s, 1234.5 tps, …
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        for (const [, tps] of text.matchAll(/s, ([\d.]+) tps/g)) this.transactions += Math.round(Number(tps))
      })
      await once(child, 'exit')
      await sleep(200)
    }
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#child?.kill('SIGKILL')
  }
}
