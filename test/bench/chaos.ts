import type {Random} from '../../src/core/ports.ts'
import {hasHaproxy} from '../support/haproxy.ts'
import {lacksLab} from '../support/parts.ts'
import {run as command} from '../support/run.ts'
import {seededRandom} from '../support/seeded-random.ts'
import {type Failover, failOver, kinds, mischief} from './chaos/failover.ts'
import {type Site, startSite} from './chaos/site.ts'
import {median, type Options, quantile, type Row} from './table.ts'
import {ToolMissing} from './tool.ts'

/**
 * Random failovers under write load through a real HAProxy, on machines of a laboratory network,
 * synchronous replication on: crashes, freezes, partitions, resets, snapshots restored, while names
 * move to other servers, HAProxy is reloaded and restarted, and `serve` is killed. What must never be
 * is counted. `SEED=1` repeats the dice, not the machine. `KIND=snapshot WHAT=serve` deals only what has
 * these words.
 */
export async function run({short, runs}: Options): Promise<readonly Row[]> {
  if (!hasHaproxy) throw new ToolMissing('haproxy', 'haproxy')
  if (lacksLab) throw new Error('chaos needs root and /dev/net/tun: it cuts the network between its servers')
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6))
  const random = seededRandom(seed)
  const count = runs ?? (short ? 5 : 100)
  await using site = await startSite()
  const {KIND = '', WHAT = ''} = process.env
  const kindOf = dealt(
    kinds.filter((kind) => kind.includes(KIND)),
    random,
  )
  const whatOf = dealt(
    mischief.filter((what) => what.includes(WHAT)),
    random,
  )
  const failovers: Failover[] = []
  let primary = site.cluster.node('host1')
  for (let index = 0; index < count; index += 1) {
    const event = {kind: kindOf(), what: whatOf()}
    const label = `${index + 1} of ${count} (seed ${seed}): ${event.kind}, ${event.what}`
    const {next, ...failover} = await failOver(primary, {...site, random}, event).catch(async (cause) => {
      const {stdout} = await command(['check', '-c', site.config])
      const logs = site.cluster.nodes.map(({name, log}) => `${name}:\n${log.slice(-1_000)}`)
      const said = [stdout, ...logs, 'serve:', site.serve.log().slice(-5_000)].join('\n')
      throw new Error(`${label} did not end${countsOf(site)}\n${said}`, {cause})
    })
    failovers.push(failover)
    console.error(`${label}: ${Math.round(failover.outageMs)} ms${marks(failover, site)}`)
    primary = next
  }
  for (const writer of site.writers) await writer[Symbol.asyncDispose]()
  const acked = site.writers.flatMap(({acks}) => acks)
  const there = new Set((await primary.sql('select key from written')).map(({key}) => String(key)))
  const lost = acked.filter(({key}) => !there.has(key)).length
  return rowsOf({seed, failovers, site, lost, acked: acked.length})
}

/** Deals one after the other in random order: none comes twice before each came once. */
function dealt<T>(cards: readonly T[], random: Random): () => T {
  let deck: T[] = []
  return () => {
    if (deck.length === 0) deck = [...cards]
    return deck.splice(Math.floor(random() * deck.length), 1)[0] as T
  }
}

const marks = ({wasHelped, late}: Failover, site: Site): string =>
  `${wasHelped ? ', decided by the operator' : ''}${late > 0 ? `, LATE ${late}` : ''}${countsOf(site)}`

/** What must not be, so far. */
const countsOf = ({watch: {twoUp, routedBehind}}: Site): string =>
  `${twoUp > 0 ? `, TWO UP ${twoUp}` : ''}${routedBehind > 0 ? `, BEHIND ${routedBehind}` : ''}`

type Outcome = Readonly<{seed: number; failovers: readonly Failover[]; site: Site; lost: number; acked: number}>

function rowsOf({seed, failovers, site: {watch}, lost, acked}: Outcome): readonly Row[] {
  const late = failovers.reduce((sum, one) => sum + one.late, 0)
  const times = failovers.map(({outageMs}) => outageMs)
  const row = (figure: string, measured: string, target = '', met: boolean | null = null): Row => ({
    figure,
    measured,
    target,
    comparison: '',
    met,
  })
  const looks = `of ${watch.looks}`
  return [
    row(
      `looks that found two write servers up, ${failovers.length} random failovers (seed ${seed})`,
      `${watch.twoUp} ${looks}`,
      '0',
      watch.twoUp === 0,
    ),
    row('looks that found a host up that was behind', `${watch.routedBehind} ${looks}`, '0', watch.routedBehind === 0),
    row('the same while serve was killed: HAProxy keeps its last word', `${watch.untoldBehind} ${looks}`),
    row('acknowledged writes that the last primary does not have', `${lost} of ${acked}`, '0', lost === 0),
    row('writes that a deposed host acknowledged after its successor was readied', `${late}`, '0', late === 0),
    row(
      'outage, mischief and the operator included',
      `median ${(median(times) / 1000).toFixed(2)} s, worst ${(quantile(times, 1) / 1000).toFixed(2)} s`,
    ),
    row('failovers that an operator had to decide', `${failovers.filter(({wasHelped}) => wasHelped).length}`),
  ]
}
