import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {debian, hasDebian} from '../support/cluster.ts'
import {hasHaproxy} from '../support/haproxy.ts'
import {adapted, haproxyFileWith} from '../support/readme.ts'
import {runJs} from '../support/run.ts'
import {type Failovers, type Kind, runFailovers, type Site, type Style} from './failover.ts'
import {median, type Options, quantile, type Row} from './table.ts'
import {ToolMissing} from './tool.ts'

const kinds: readonly Kind[] = ['crash', 'freeze', 'split-brain']
/** `inter` of the README's file counts from the end of a check to the start of the next, and the verdict may come right after a check has asked. */
const checkMs = 1_000
const twoChecksMs = 200

/** Failovers under a client's writes, through a real HAProxy that asks by the README's external check; beside it the check by psql that it replaces. */
export async function run({short}: Options): Promise<readonly Row[]> {
  if (!hasHaproxy) throw new ToolMissing('haproxy', 'haproxy')
  const psql = hasDebian ? await runFailovers({haproxyConfig: byPsql, kinds: ['split-brain', 'crash'], runs: 2}) : null
  return rowsOf('external check', await runFailovers({haproxyConfig: byExternalCheck, kinds, runs: short ? 5 : 20}), psql)
}

/** The README's file, with addresses and folders of here. The check is a link to bin/run.js, and finds its node by the file's own path. */
export const byExternalCheck: Style['haproxyConfig'] = (site) => {
  const bin = binOf(site)
  symlinkSync(process.execPath, join(bin, 'node'))
  symlinkSync(runJs, join(bin, 'pgroute66-check-primary'))
  return adaptedTo(site)
}

/** The same file with another check under the name: whoever is not in recovery is a primary. */
const byPsql: Style['haproxyConfig'] = (site) => {
  const ask = `${debian}/psql -h "$3" -p "$4" -U postgres -d postgres -Atc 'select pg_is_in_recovery()'`
  writeFileSync(join(binOf(site), 'pgroute66-check-primary'), `#!/bin/sh\ntest "$(${ask})" = f\n`, {mode: 0o755})
  return adaptedTo(site)
}

function binOf({folder}: Site): string {
  const bin = join(folder, 'bin')
  mkdirSync(bin, {recursive: true})
  return bin
}

const adaptedTo = (site: Site): string =>
  adapted(haproxyFileWith('option external-check'), {
    '/usr/local/bin': binOf(site),
    'bind :5000': 'bind 127.0.0.1:{port:write}',
    ...Object.fromEntries(site.hosts.map(({port}, index) => [`10.0.0.${index + 1}:5432`, `127.0.0.1:${port}`])),
  })

function rowsOf(name: string, found: Failovers, psql: Failovers | null): readonly Row[] {
  const {failovers, looks, twoUp, errors} = found
  const runs = failovers.length
  const resumed = failovers.filter(({outageMs}) => outageMs !== null).length
  const strays = (one: Failovers) => one.failovers.filter(({returns, isEarly}) => returns > 0 || isEarly).length
  const failed = [...errors].map(([text, times]) => `${times} × ${text}`).join('; ')
  const lateOf = (one: Failovers) => one.failovers.map(({lateMs}) => Math.max(0, lateMs))
  const late = lateOf(found)
  const row = (figure: string, measured: string, comparison: string, target = '', met: boolean | null = null): Row => ({
    figure: `${name}: ${figure}`,
    measured,
    target,
    comparison,
    met,
  })
  const beside = (text: (one: Failovers) => string) => (psql === null ? '' : `psql check: ${text(psql)}`)
  const outage = (what: string, kind: Kind, isAfterFencing: boolean) => {
    const timesOf = (one: Failovers) =>
      one.failovers.filter((it) => it.kind === kind && it.isAfterFencing === isAfterFencing).flatMap(({outageMs}) => outageMs ?? [])
    const times = timesOf(found)
    const other = psql === null ? [] : timesOf(psql)
    const comparison = other.length > 0 ? `psql check: ${other.map(seconds).join(', ')}` : ''
    return times.length === 0 ? [] : [row(`${what}, ${times.length} runs`, middleAndWorst(times), comparison)]
  }
  return [
    row(
      `looks that found two write servers up, ${runs} failovers`,
      `${twoUp} of ${looks}`,
      beside((one) => `${one.twoUp} of ${one.looks} in ${one.failovers.length}`),
      '0',
      twoUp === 0,
    ),
    row(
      'last write on the old primary after the verdict that deposed it',
      middleAndWorst(late),
      beside((one) => middleAndWorst(lateOf(one))),
      `≤ one check interval (${seconds(checkMs)}), and the time of two checks`,
      quantile(late, 1) <= checkMs + twoChecksMs,
    ),
    row(
      'failovers with a write on a host before its verdict, or back on the old primary',
      `${strays(found)}`,
      beside((one) => `${strays(one)} of ${one.failovers.length}`),
      '0',
      strays(found) === 0,
    ),
    row(
      'traffic resumed, with nobody telling pgroute66 or HAProxy anything',
      `${resumed} of ${runs}`,
      `the client saw: ${failed}`,
      'all',
      resumed === runs,
    ),
    ...outage('crash, promotion at once: the crash → first write', 'crash', false),
    ...outage('freeze, promotion at +1 s: the freeze → first write', 'freeze', false),
    ...outage("freeze, promotion at +1 s, two primaries (V1): the frozen one's death → first write", 'freeze', true),
    ...outage("split brain: the old primary's death → first write", 'split-brain', true),
    row('start of HAProxy → first checks, until when it takes every server for up', seconds(found.uncheckedMs), ''),
  ]
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
const middleAndWorst = (times: readonly number[]): string => `median ${seconds(median(times))}, worst ${seconds(quantile(times, 1))}`
