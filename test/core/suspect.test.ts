import {expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import {findSuspect} from '../../src/core/verdict/suspect.ts'
import {failing, memberIn, primary, standby, viewOf} from '../support/records.ts'

type Row = Readonly<{
  given: string
  when: readonly HostRecord[]
  rivals?: readonly string[]
  suspect: string | null
  leading: string | null
}>
const [a, b] = [primary('a'), primary('b', {timeline: 2})]
const on2 = {of: 'b', timeline: 2} as const

const rows: readonly Row[] = [
  {given: 'timeline and followers agree', when: [a, b, standby('c', on2)], suspect: 'a', leading: 'b'},
  {
    given: 'the higher one is followed by nobody: an accidental promotion',
    when: [a, b, standby('c', {of: 'a'})],
    suspect: null,
    leading: null,
  },
  {given: 'nobody is followed', when: [a, b], suspect: null, leading: null},
  {
    given: 'two promotions from one parent: equal timelines',
    when: [primary('a', {timeline: 2}), b, standby('c', on2)],
    suspect: null,
    leading: null,
  },
  {
    given: 'equal numbers of followers',
    when: [a, b, standby('c', {of: 'a'}), standby('d', on2)],
    suspect: null,
    leading: null,
  },
  {
    given: 'a rival that fell silent',
    when: [failing('a', 'timeout'), b, standby('c', on2)],
    suspect: null,
    leading: null,
  },
  {
    given: 'a timeline that cannot be told',
    when: [primary('a', {timeline: null}), b, standby('c', on2)],
    suspect: null,
    leading: null,
  },
  {
    given: 'an LSN far ahead counts for nothing',
    when: [primary('a', {lsn: 'F/0'}), b, standby('c', on2)],
    suspect: 'a',
    leading: 'b',
  },
  {
    given: 'three of them: the leading one is clear, and two are stale',
    when: [a, primary('d'), b, standby('c', on2)],
    rivals: ['a', 'b', 'd'],
    suspect: null,
    leading: 'b',
  },
]

for (const {given, when, rivals = ['a', 'b'], suspect, leading} of rows)
  test(`given ${given}: ${suspect ?? 'nobody'} is suspect`, () => {
    const view = viewOf(when)
    const ranked = findSuspect(
      rivals.map((host) => memberIn(view, host)),
      view,
      5_000,
    )
    expect(ranked.suspect).toBe(suspect)
    expect(ranked.leading?.host ?? null).toBe(leading)
    for (const rival of rivals) expect(ranked.why).toContain(rival)
  })
