import {doubleRoutes, watchWriters} from '../lab/never-two.ts'
import {type RepmgrSite, repmgrSite} from '../lab/repmgr-site.ts'
import {comesBack, crash, partition, promotedByHand, type Seen, steady, switchover} from '../lab/repmgr-situations.ts'
import type {PgNode} from '../support/cluster.ts'
import {lacks, lacksLab} from '../support/parts.ts'
import {networks} from './partitions.ts'
import {ms, type Options, type Row} from './table.ts'
import {ToolMissing} from './tool.ts'

/**
 * Every network of a few machines, beside the rules of harepd and primgr; then a real cluster in the
 * situations of the recordings. A situation that is not as recorded ends the bench with an error.
 */
export async function run({short}: Options): Promise<readonly Row[]> {
  if (lacks('repmgr')) throw new ToolMissing('repmgrd', 'postgresql-15-repmgr')
  if (lacks('HAProxy')) throw new ToolMissing('haproxy', 'haproxy')
  if (lacksLab) throw new ToolMissing('root and /dev/net/tun, for network namespaces', 'iproute2')
  return [...networks(), ...(await situations(short))]
}

/** `primgr`: what the original says for the right primary and for the other one, by the recordings. */
type Situation = Readonly<{name: string; primgr: string; happen: (primary: PgNode) => Promise<Seen>}>

async function situations(short: boolean): Promise<readonly Row[]> {
  // Three checks have to end before repmgrd promotes: it waits three seconds.
  await using site = await repmgrSite({inter: '300ms'})
  let primary = site.repmgr.cluster.node('host1')
  await steady(site, primary)
  // A fresh HAProxy takes every server for up, until its first checks.
  const looked = watchWriters(site.routers)
  const rows: Row[] = []
  for (const {name, primgr, happen} of listed(site, short)) {
    const begun = performance.now()
    const seen = await happen(primary)
    primary = seen.primary
    rows.push(rowOf(name, primgr, seen))
    console.error(`${name}: ${((performance.now() - begun) / 1_000).toFixed(0)} s`)
  }
  const {looks, found} = await looked()
  const double = await doubleRoutes(site.daemons)
  const never = (figure: string, times: number): Row => {
    return {figure, measured: `${times}`, target: '0', comparison: '', met: times === 0}
  }
  return [
    ...rows,
    never(`looks that found two hosts up behind the two HAProxies, of ${looks}`, found.length),
    never('moments at which two daemons routed to two hosts, by their change logs', double.length),
  ]
}

function listed(site: RepmgrSite, short: boolean): readonly Situation[] {
  const {cluster} = site.repmgr
  /** repmgrd promotes neither host1, by its priority, nor host4, by its location. */
  const other = (primary: PgNode) => cluster.node(primary.name === 'host2' ? 'host3' : 'host2')
  let crashed = cluster.node('host1')
  const cut = (side: string, machines: readonly string[], how: 'drop' | 'reset', primgr: string): Situation => ({
    name: `the primary is cut off ${side} (${how})`,
    primgr,
    happen: (primary) => partition(site, primary, {side: [primary.name, ...machines], how}),
  })
  const both = '509 for both, until an operator acts'
  const alone = ['alone with a router', ['lb1']] as const
  const witnessed = ['with the witness and a router', ['witness', 'lb1']] as const
  return [
    {
      name: 'switchover',
      primgr: '509 for the new one until the witness is told',
      happen: (primary) => switchover(site, primary, other(primary)),
    },
    {
      name: 'kill -9, failover by repmgrd',
      primgr: '509 for the new one while the witness is stale or silent',
      happen(primary) {
        crashed = primary
        return crash(site, primary)
      },
    },
    {name: 'the old primary comes back as one', primgr: both, happen: (primary) => comesBack(site, crashed, primary)},
    cut(...alone, 'drop', both),
    cut(...witnessed, 'drop', both),
    ...(short ? [] : [cut(...alone, 'reset', both), cut(...witnessed, 'reset', both)]),
    {
      name: 'a standby is promoted by hand',
      primgr: '200 for the right one, 509 for the other one',
      happen: (primary) => promotedByHand(site, primary, cluster.node('host1')),
    },
  ]
}

const rowOf = (name: string, primgr: string, {primary, deposed, writesOnDeposed, marginMs}: Seen): Row => ({
  figure: `${name}: answers as recorded; writes on ${deposed.name} since ${primary.name} counts`,
  measured: `${writesOnDeposed}${marginMs === null ? '' : `; the last one ${ms(marginMs)} before`}`,
  target: '0',
  comparison: `primgr: ${primgr}`,
  met: writesOnDeposed === 0,
})
