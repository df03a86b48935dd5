import {type HaproxyStyle, haproxyStyles} from '../../src/actuators/haproxy/cfg.ts'
import {hasDebian} from '../support/cluster.ts'
import {hasHaproxy} from '../support/haproxy.ts'
import {type Failovers, type Kind, runFailovers} from './failover.ts'
import {byPsql, printed} from './printed.ts'
import {median, type Options, quantile, type Row} from './table.ts'
import {ToolMissing} from './tool.ts'

const kinds: readonly Kind[] = ['crash', 'freeze', 'split-brain']

/**
 * `crashMs`: the median of the outage after a crash that is asked for; `null`: none is. `lateMs`:
 * how long a deposed primary may still be written to, after the verdict: until the next question,
 * or until it is told, and the time that takes.
 */
const goals: Record<HaproxyStyle, Readonly<{crashMs: number | null; lateMs: number}>> = {
  push: {crashMs: 250, lateMs: 100},
  agent: {crashMs: 450, lateMs: 300},
  httpchk: {crashMs: 1_200, lateMs: 450},
  external: {crashMs: null, lateMs: 2_500},
}
/** probe.timeout and 1.5 s. */
const freezeMs = 2_500

/**
 * Failovers under a client's writes, through a real HAProxy with the files that `haproxy config`
 * prints; beside them the check by psql that they replace.
 */
export async function run({short, style, runs}: Options): Promise<readonly Row[]> {
  if (!hasHaproxy) throw new ToolMissing('haproxy', 'haproxy')
  const isWanted = (one: string) => style === null || style === one
  const rows: Row[] = []
  for (const one of haproxyStyles.filter(isWanted)) {
    rows.push(...rowsOf(one, await runFailovers({...printed(one), kinds, runs: runs ?? (short ? 6 : 18)})))
    console.error(`${one}: done`)
  }
  if (hasDebian && isWanted('psql'))
    rows.push(...psqlRows(await runFailovers({haproxyConfig: byPsql, kinds: ['split-brain', 'crash'], runs: 2})))
  return rows
}

function rowsOf(style: HaproxyStyle, {failovers, looks, twoUp, errors, settledMs}: Failovers): readonly Row[] {
  const {crashMs, lateMs} = goals[style]
  const runs = failovers.length
  const resumed = failovers.filter(({outageMs}) => outageMs !== null).length
  const strays = failovers.filter(({returns, isEarly}) => returns > 0 || isEarly).length
  const lateOf = (...of: readonly Kind[]) =>
    failovers.filter(({kind}) => of.includes(kind)).map((one) => Math.max(0, one.lateMs))
  const late = lateOf('crash', 'freeze')
  const failed = [...errors].map(([text, times]) => `${times} × ${text}`).join('; ')
  const row = (figure: string, measured: string, target = '', met: boolean | null = null, comparison = ''): Row => ({
    figure: `${style}: ${figure}`,
    measured,
    target,
    comparison,
    met,
  })
  const crashes = failovers.filter(({kind}) => kind === 'crash')
  const timesOf = (kind: Kind, isAfterFencing: boolean) =>
    failovers
      .filter((one) => one.kind === kind && one.isAfterFencing === isAfterFencing)
      .flatMap(({outageMs}) => outageMs ?? [])
  const crash = timesOf('crash', false)
  const freeze = timesOf('freeze', false)
  const unresolved = (['crash', 'freeze'] as const).flatMap((kind) => timesOf(kind, true)).length
  const fenced = timesOf('split-brain', true)
  return [
    row(
      `crash, promotion at once: the crash → first write, ${crash.length} runs`,
      middleAndWorst(crash),
      crashMs === null ? '' : `median ≤ ${seconds(crashMs)}`,
      crashMs === null ? null : median(crash) <= crashMs,
      'a script with the original 3.1 s, Patroni 4 to 12 s',
    ),
    row(
      'of which until it was promoted, and until a verdict said so',
      [crashes.map(({promotedMs}) => promotedMs), crashes.map(({routedMs}) => routedMs)]
        .map((times) => seconds(median(times)))
        .join(', '),
    ),
    row(
      `freeze, promotion at +1 s: the freeze → first write, ${freeze.length} runs`,
      middleAndWorst(freeze),
      `≤ probe.timeout + 1.5 s (${seconds(freezeMs)})`,
      freeze.length > 0 && quantile(freeze, 1) <= freezeMs,
      'the original: never',
    ),
    row('crashes and freezes that needed a fence', `${unresolved}`, '0', unresolved === 0),
    row(`split brain: the old primary's death → first write, ${fenced.length} runs`, middleAndWorst(fenced)),
    row(`looks that found two write servers up, ${runs} failovers`, `${twoUp} of ${looks}`, '0', twoUp === 0),
    row(
      'crash, freeze: last write on the old primary after the verdict that deposed it',
      middleAndWorst(late),
      `≤ ${seconds(lateMs)}`,
      quantile(late, 1) <= lateMs,
    ),
    row('split brain: the same, until it is fenced', middleAndWorst(lateOf('split-brain'))),
    row(
      'failovers with a write on a host before its verdict, or back on the old primary',
      `${strays}`,
      '0',
      strays === 0,
    ),
    row(
      'traffic resumed, with nobody telling HAProxy anything',
      `${resumed} of ${runs}`,
      'all',
      resumed === runs,
      `the client saw: ${failed}`,
    ),
    row('start of HAProxy → one server up', seconds(settledMs)),
  ]
}

function psqlRows({failovers, looks, twoUp}: Failovers): readonly Row[] {
  const strays = failovers.filter(({returns, isEarly}) => returns > 0 || isEarly).length
  const times = failovers.flatMap(({outageMs}) => outageMs ?? [])
  const row = (figure: string, measured: string): Row => ({
    figure: `psql check: ${figure}`,
    measured,
    target: '',
    comparison: '',
    met: null,
  })
  return [
    row(`looks that found two write servers up, ${failovers.length} failovers`, `${twoUp} of ${looks}`),
    row('failovers with a write on a host before its verdict, or back on the old primary', `${strays}`),
    row('outage', times.map(seconds).join(', ')),
  ]
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
const middleAndWorst = (times: readonly number[]): string =>
  times.length === 0 ? 'none' : `median ${seconds(median(times))}, worst ${seconds(quantile(times, 1))}`
