import {expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import {foreignTo, type Identity, identify} from '../../src/core/facts/identity.ts'
import {failing, OURS, primary, standby, unasked} from '../support/records.ts'

type Row = Readonly<{given: string; settled?: string; when: readonly HostRecord[]; outcome: object}>
const other = {cluster: '1'}
const mute = {session: {systemIdentifier: null}}

/** Keyed by kind: complete by type. */
const table: Record<Identity['kind'], readonly Row[]> = {
  known: [
    {
      given: 'one that is configured or remembered, whatever the hosts say',
      settled: '42',
      when: [primary('a'), standby('b')],
      outcome: {systemIdentifier: '42'},
    },
    {
      given: 'more than half agree',
      when: [primary('a'), standby('b'), failing('c')],
      outcome: {systemIdentifier: OURS},
    },
    {
      given: 'more than half agree, and one does not',
      when: [primary('a'), standby('b'), primary('c', other)],
      outcome: {systemIdentifier: OURS},
    },
    {given: 'the only host of its group', when: [primary('a')], outcome: {systemIdentifier: OURS}},
  ],
  tied: [
    {given: 'one against one', when: [primary('a'), standby('b', other)], outcome: {found: {[OURS]: ['a'], 1: ['b']}}},
    {
      given: 'one against one, and one that is down',
      when: [primary('a'), standby('b', other), failing('c')],
      outcome: {},
    },
    {
      given: 'two against two',
      when: [primary('a'), standby('b'), primary('c', other), standby('d', other)],
      outcome: {},
    },
  ],
  open: [
    {given: 'one that does not tell, beside one of two', when: [primary('a'), standby('b', mute)], outcome: {}},
    {given: 'nobody has answered', when: [unasked('a'), failing('b')], outcome: {}},
    {given: 'half of the configured hosts, not more', when: [primary('a'), failing('b')], outcome: {}},
    {given: 'a lone stranger cannot teach', when: [primary('a', other), failing('b'), failing('c')], outcome: {}},
    {
      given: 'two names of one server teach once',
      when: [primary('a'), primary('b', {more: {duplicateOf: 'a'}}), failing('c')],
      outcome: {},
    },
  ],
}

for (const [kind, rows] of Object.entries(table))
  for (const {given, settled = null, when, outcome} of rows)
    test(`${kind}: given ${given}`, () => expect(identify(settled, when)).toMatchObject({kind, ...outcome}))

test('foreign is who carries another identifier than the known one, and nobody else', () => {
  const known = {kind: 'known', systemIdentifier: OURS} as const
  expect(foreignTo(known, primary('a', other))).toBe(OURS)
  expect(foreignTo(known, primary('a'))).toBe(null)
  expect(foreignTo(known, primary('a', mute))).toBe(null)
  expect(foreignTo(known, failing('a'))).toBe(null)
  expect(foreignTo({kind: 'open'}, primary('a', other))).toBe(null)
})
