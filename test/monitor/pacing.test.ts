import {describe, expect, test} from 'vitest'
import type {Unit} from '../../src/monitor/membership.ts'
import {Pacing} from '../../src/monitor/pacing.ts'
import {probeSettings} from '../support/settings.ts'

/** `count` groups of one host each, of which the first `stirred` have just changed. */
function paced(count: number, stirred: number): Pacing {
  const units = Array.from({length: count}, (_, index): Unit => ({kind: 'group', name: `g${index}`}))
  const pacing = new Pacing({
    units,
    unitsOf: (host) => units.filter((unit) => unit.kind === 'group' && unit.name === host),
    hostsOf: (unit) => (unit.kind === 'group' ? [unit.name] : []),
  })
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
      expect(paced(count, stirred).planPings(host, {now, isCrowded, pinged: count}, probeSettings)).toBe(everyMs))
})
