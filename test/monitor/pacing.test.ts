import {describe, expect, test} from 'vitest'
import type {Unit} from '../../src/monitor/membership.ts'
import {FastHosts, Pacing} from '../../src/monitor/pacing.ts'
import {probeSettings} from '../support/settings.ts'

/** `count` groups of one host each, of which the first `stirred` have just changed. */
function paced(count: number, stirred: number, fastHosts = new FastHosts()): Pacing {
  const units = Array.from({length: count}, (_, index): Unit => ({kind: 'group', name: `g${index}`}))
  const hosts = {
    units,
    unitsOf: (host: string) => units.filter((unit) => unit.kind === 'group' && unit.name === host),
    hostsOf: (unit: Unit) => (unit.kind === 'group' ? [unit.name] : []),
  }
  const pacing = new Pacing(hosts, probeSettings, fastHosts)
  units.forEach((unit, index) => {
    pacing.changed(unit, true, index < stirred ? now : now - 60_000)
  })
  return pacing
}
const now = 100_000

type Row = Readonly<{given: string; count: number; stirred: number; host: string; isCrowded?: true; everyMs: number}>

const rows: readonly Row[] = [
  {given: 'a group at rest', count: 3, stirred: 0, host: 'g0', everyMs: 200},
  {given: 'a stirred group', count: 3, stirred: 1, host: 'g0', everyMs: 20},
  {given: 'a group at rest beside a stirred one', count: 3, stirred: 1, host: 'g1', everyMs: 200},
  {
    given: 'a stirred group while logins wait for the CPU',
    count: 3,
    stirred: 1,
    host: 'g0',
    isCrowded: true,
    everyMs: 200,
  },
  {given: 'a thousand hosts at rest', count: 1_000, stirred: 0, host: 'g0', everyMs: 200},
  {
    given: 'ten thousand hosts at rest: five thousand pings a second',
    count: 10_000,
    stirred: 0,
    host: 'g0',
    everyMs: 2_000,
  },
  {
    given: 'a thousand stirred hosts: five thousand pings a second',
    count: 1_000,
    stirred: 1_000,
    host: 'g0',
    everyMs: 200,
  },
]

describe('the time between two questions to a host that is pinged', () => {
  for (const {given, count, stirred, host, isCrowded = false, everyMs} of rows)
    test(`${given}: ${everyMs} ms`, () =>
      expect(paced(count, stirred).planPings(host, {now, isCrowded, pinged: count})).toBe(everyMs))
})

test('the stirred hosts of another monitor of the process count, until that monitor ends', () => {
  const fastHosts = new FastHosts()
  const one = paced(1, 1, fastHosts)
  const other = paced(1_000, 1_000, fastHosts)
  expect(one.planInterval('g0', now)).toBe(probeSettings.intervalMs)
  other[Symbol.dispose]()
  expect(one.planInterval('g0', now + 1_000)).toBe(probeSettings.fastIntervalMs)
})
