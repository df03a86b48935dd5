import {setTimeout as sleep} from 'node:timers/promises'
import {startLab} from '../lab/cluster.ts'
import type {Network} from '../lab/network.ts'
import {startLabServe} from '../lab/serve.ts'
import {until} from '../support/cluster.ts'
import {lacksLab} from '../support/parts.ts'
import type {Options, Row} from './table.ts'
import {ToolMissing} from './tool.ts'

type Way = Readonly<{what: string; roundTripMs: number; loss: number; tls: boolean}>
const ways: readonly Way[] = [
  {what: 'a round trip of 800 ms, TLS and SCRAM', roundTripMs: 800, loss: 0, tls: true},
  {what: 'a round trip of 2 ms, 20 % of the packets lost', roundTripMs: 2, loss: 0.2, tls: false},
]

/** Healthy hosts at the end of a bad way: how often one is unavailable, and how long no primary is routed to. */
export async function run({short, minutes}: Options): Promise<readonly Row[]> {
  if (lacksLab)
    throw new ToolMissing('the laboratory (root, /dev/net/tun, nftables, python3)', 'iproute2 nftables python3')
  const forMs = (minutes ?? (short ? 0.5 : 2)) * 60_000
  const rows: Row[] = []
  for (const way of ways) rows.push(...(await over(way, forMs)))
  rows.push(await hidden('a black hole', (net) => net.cut('serve', 'host1')))
  rows.push(await hidden('connections reset', (net) => net.reset('serve', 'host1', 'all')))
  return rows
}

const hiddenMs = 20_000

/** The way between serve and a living primary ends, while clients write. */
async function hidden(what: string, fault: (net: Network) => Promise<void>): Promise<Row> {
  await using lab = await startLab(15)
  const [host1] = lab.cluster.nodes
  if (host1 === undefined) throw new Error('no host1')
  await host1.sql('create table written (at timestamptz)')
  using serve = await startLabServe(lab, {probe: 'knock_interval: 1s'})
  const get = async (path: string) => JSON.parse((await serve.get(path)) ?? 'null')
  const isRouted = async () => (await get('/v1/primary'))?.[0] === 'host1'
  await until(isRouted)
  await until(async () => (await get('/v1/standbys')).length === 2)
  let [writes, refused, lostMs] = [0, 0, 0]
  await fault(lab.net)
  const end = performance.now() + hiddenMs
  for (let last = performance.now(); last < end; ) {
    await host1.sql('insert into written values (now())').then(
      () => {
        writes += 1
      },
      () => {
        refused += 1
      },
    )
    await sleep(20)
    const now = performance.now()
    if (!(await isRouted())) lostMs += now - last
    last = now
  }
  return {
    figure: `${what} between serve and the primary, which its standbys follow: not routed to`,
    measured: `${(lostMs / 1_000).toFixed(2)} s`,
    target: what === 'a black hole' ? '0 s' : '≤ 1 s',
    comparison: `of ${hiddenMs / 1_000} s, in which it took ${writes} writes and refused ${refused}`,
    met: lostMs <= (what === 'a black hole' ? 0 : 1_000),
  }
}

async function over({what, roundTripMs, loss, tls}: Way, forMs: number): Promise<readonly Row[]> {
  await using lab = await startLab(15, {tls})
  for (const {name} of lab.cluster.nodes) await lab.net.delay('serve', name, {roundTripMs, loss})
  using serve = await startLabServe(lab, {sslmode: tls ? 'require' : 'disable', probe: 'knock_interval: 1s'})
  const get = async (path: string) => JSON.parse((await serve.get(path)) ?? 'null')
  const isRouted = async () => (await get('/v1/primary'))?.[0] === 'host1'
  await until(isRouted)
  const seen = (await get('/v1/changes')).changes.length
  let lostMs = 0
  const end = performance.now() + forMs
  for (let last = performance.now(); last < end; ) {
    await sleep(20)
    const now = performance.now()
    if (!(await isRouted())) lostMs += now - last
    last = now
  }
  const changes: readonly {kind: string; host: string; to: string; why: string}[] = (await get('/v1/changes')).changes
  const faults = changes.slice(seen).filter(({kind, to}) => kind === 'role' && to === 'unavailable')
  return [
    {
      figure: `${what}, ${forMs / 60_000} min: a healthy host is unavailable`,
      measured: `${faults.length} times`,
      target: '0',
      comparison:
        faults.map(({host, why}) => `${host}: ${why}`).join('; ') || 'three hosts, one question a second each',
      met: faults.length === 0,
    },
    {
      figure: `${what}: the primary is not routed to`,
      measured: `${(lostMs / 1_000).toFixed(1)} s`,
      target: '0 s',
      comparison: `of ${forMs / 1_000} s`,
      met: lostMs === 0,
    },
  ]
}
