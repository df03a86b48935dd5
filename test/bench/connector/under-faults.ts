import {setTimeout as sleep} from 'node:timers/promises'
import type {Callers, CallersOptions} from '../../connector/callers.ts'
import {ms, type Row} from '../table.ts'
import {faultList} from './faults.ts'
import {callersOf, type Site} from './site.ts'

export type UnderFaults = CallersOptions &
  Readonly<{
    /** Every fault comes at least once, however short this is. */
    forMs: number
    /** After each fault. */
    each?: () => Promise<void>
  }>

/** The faults in turn under callers, and the account of what the callers were told. */
export async function underFaults(site: Site, {forMs, each, ...options}: UnderFaults): Promise<readonly Row[]> {
  const all = callersOf(site, options)
  const slowest = new Map<string, number>()
  const overAt = performance.now() + forMs
  const told = new Set<string>()
  let count = 0
  for (; performance.now() < overAt || count < faultList.length; count += 1) {
    const fault = faultList[count % faultList.length]
    if (fault === undefined) break
    for (const callers of all) callers.lap()
    await fault.run(site)
    await site.settled()
    await sleep(1_000)
    const longest = Math.max(...all.map(({report}) => report.slowestReadMs))
    slowest.set(fault.name, Math.max(slowest.get(fault.name) ?? 0, longest))
    const failed = failures(all).filter((message) => !told.has(message))
    for (const message of failed) told.add(message)
    console.error([`${fault.name}: slowest read ${ms(longest)}`, ...failed].join('\n  '))
    await each?.()
  }
  const reports = all.map(({report}) => report)
  const held = await Promise.all(all.map((callers) => callers.held(site.primary())))
  const sum = <T>(values: readonly T[], of: (value: T) => number) => values.reduce((total, one) => total + of(one), 0)
  const none = (figure: string, found: number, comparison: string): Row => ({
    ...{figure, comparison},
    ...{measured: String(found), target: '0', met: found === 0},
  })
  const unknown = sum(reports, (report) => report.unknown)
  const done = sum(held, ({unknownAndDone}) => unknownAndDone)
  return [
    none(
      'reads lost',
      sum(reports, ({lost}) => lost.length),
      `of ${sum(reports, ({reads}) => reads)}, in ${count} faults`,
    ),
    none(
      'acknowledged writes missing',
      sum(held, ({missing}) => missing),
      `of ${sum(reports, ({acknowledged}) => acknowledged)}`,
    ),
    none(
      'writes done twice',
      sum(held, ({twice}) => twice),
      '',
    ),
    none(
      'writes told as not done, and done',
      sum(held, ({notDoneButThere}) => notDoneButThere),
      '',
    ),
    {
      figure: 'writes told as unknown',
      measured: `${unknown}`,
      target: '',
      comparison: `${done} of them done`,
      met: null,
    },
    {
      ...{figure: 'writes refused: told as not done', measured: `${sum(reports, ({refused}) => refused.length)}`},
      ...{target: '', comparison: '', met: null},
    },
    ...[...slowest].map(
      ([name, longest]): Row => ({
        ...{figure: `slowest read: ${name}`, measured: ms(longest)},
        ...{target: '', comparison: '', met: null},
      }),
    ),
  ]
}

/** What reads and writes were refused with, by the way that they took. */
const failures = (all: readonly Callers[]): readonly string[] =>
  all.flatMap(({report: {lost, refused}}, way) =>
    [
      ...new Set([...lost.map(({message}) => `read ${message}`), ...refused.map(({message}) => `write ${message}`)]),
    ].map((message) => `way ${way + 1}: ${message}`),
  )
