import pg from 'pg'
import {type Cluster, hostsYaml, type PgNode, rejoin, startTestCluster, until} from '../support/cluster.ts'
import {type Daemon, startDaemon} from './daemon.ts'
import {median, ms, type Options, quantile, type Row} from './table.ts'

/**
 * Crash and promotion, as often as asked for; each time the next node becomes the primary and the
 * old one is rebuilt.
 */
export async function run({short}: Options): Promise<readonly Row[]> {
  const runs = short ? 5 : 20
  await using cluster = await startTestCluster()
  await using daemon = await startDaemon(hostsYaml(cluster))
  const crashes: number[] = []
  const promotions: number[] = []
  for (let index = 0; index < runs; index += 1) {
    const primary = cluster.nodes[index % 3] as PgNode
    const next = cluster.nodes[(index + 1) % 3] as PgNode
    const third = cluster.nodes[(index + 2) % 3] as PgNode
    crashes.push(await crash(primary, daemon))
    promotions.push(await promote(next, daemon))
    await third.follow(next)
    await rejoin(primary, next)
    await until(async () => isCalm(cluster, daemon, next))
  }
  return [
    {
      figure: `crash (kill -9 of the postmaster) → /v1/primary is [], ${runs} runs`,
      measured: `median ${ms(median(crashes))}, worst ${ms(quantile(crashes, 1))}`,
      target: 'median ≤ 10 ms',
      comparison: 'after an idle session of the bench to that server was closed',
      met: median(crashes) <= 10,
    },
    {
      figure: `pg_is_in_recovery() is false for another session → /v1/primary names the new one, ${runs} runs`,
      measured: `median ${ms(median(promotions))}, worst ${ms(quantile(promotions, 1))}`,
      target: 'median ≤ 15 ms, worst ≤ 40 ms',
      comparison: 'by arithmetic, a check every second: 500 ms in the median',
      met: median(promotions) <= 15 && quantile(promotions, 1) <= 40,
    },
  ]
}

async function crash(primary: PgNode, daemon: Daemon): Promise<number> {
  const idle = await sessionOn(primary)
  const closed = new Promise<number>((resolve) => {
    idle.on('error', () => {})
    idle.once('end', () => resolve(performance.now()))
  })
  const polled = daemon.poll('/v1/primary', ({body}) => body === '[]')
  const [closedAt, samples] = await Promise.all([closed, polled, primary.kill()])
  return Math.max(0, (samples.at(-1)?.at ?? 0) - closedAt)
}

/** `pg_promote()` returns some 90 ms after the first session sees the promotion, so it is no beginning. */
async function promote(next: PgNode, daemon: Daemon): Promise<number> {
  const session = await sessionOn(next)
  const polled = daemon.poll('/v1/primary', ({body}) => body === `["${next.name}"]`)
  const promoted = next.promote()
  for (;;) {
    const {rows} = await session.query<{standby: boolean}>('select pg_is_in_recovery() as standby')
    if (rows[0]?.standby === false) break
  }
  const promotedAt = performance.now()
  const samples = await polled
  await Promise.all([promoted, session.end()])
  return Math.max(0, (samples.at(-1)?.at ?? 0) - promotedAt)
}

async function sessionOn({settings, port}: PgNode): Promise<pg.Client> {
  const client = new pg.Client({host: settings.sockets, port, user: 'postgres', database: 'postgres'})
  await client.connect()
  return client
}

async function isCalm(cluster: Cluster, daemon: Daemon, primary: PgNode): Promise<boolean> {
  const standbys = cluster.nodes.filter((node) => node !== primary).map(({name}) => name)
  return (await daemon.ask('/v1/standbys')).body === JSON.stringify(standbys.sort())
}
