import {describe, expect, test} from 'vitest'
import type {Snapshot, Verdict} from '../../src/core/snapshot.ts'
import {banner} from '../../src/ui/banner.ts'
import {widthOf} from '../../src/ui/text/cells.ts'
import {textOf} from '../../src/ui/text/line.ts'
import {drained, noon, primary, snapshot, standby, unasked, unavailable, unconfirmed} from '../support/snapshots.ts'
import {calm, glyphs, headless, torn} from './stage.ts'

const drawn = (shown: Snapshot, width = 80, {height = 12, group = null as string | null} = {}) =>
  banner(shown, {width, height, wall: noon.wall, glyphs, group})
const textsOf = (...given: Parameters<typeof drawn>) => drawn(...given).map(textOf)

describe('the verdict of one group', () => {
  test('a routed primary takes one line and its reason', () => {
    expect(textsOf(calm())).toEqual(['● PRIMARY host1 · V4 · for 1m00s', '  host1 is the only primary'])
  })

  // Keyed by kind: a new verdict does not compile until it has a row here.
  const loud: Record<Exclude<Verdict['kind'], 'primary'>, [Snapshot, string]> = {
    'split-brain': [torn(), 'SPLIT BRAIN host1, host2, routed to NONE'],
    'no-primary': [headless(), 'NO PRIMARY, routed to NONE'],
    unconfirmed: [
      snapshot({hosts: {host1: primary()}, verdict: unconfirmed('host1')}),
      'UNCONFIRMED host1, routed to NONE',
    ],
    starting: [snapshot({hosts: {host1: unasked()}}), 'STARTING'],
  }
  test.each(Object.entries(loud))('%s: the verdict fills a whole line, with or without colour', (_, [shown, words]) => {
    const [first] = drawn(shown)
    expect(first && textOf(first)).toContain(`▲▲▲ ${words} ▲▲▲`)
    expect(first && widthOf(textOf(first))).toBe(80)
    expect(first?.[0]?.tone).toMatch(/Bar$/)
  })

  test('a drained primary is shown as loudly as no primary: no writes are routed', () => {
    const shown = snapshot({hosts: {host1: primary({drained})}})
    expect(textsOf(shown)[0]).toContain('▲▲▲ PRIMARY host1, routed to NONE ▲▲▲')
  })

  test('a split brain that evidence decides: the banner names the host that gets writes', () => {
    const shown = snapshot({hosts: {host1: primary(), host2: primary()}, verdict: {routedTo: 'host2'}})
    expect(textsOf(shown)[0]).toContain('SPLIT BRAIN host1, host2, routed to host2')
  })

  test('the banner names the suspect and the blind hosts', () => {
    expect(textsOf(torn())).toContain('▲ Suspect: host1.')
    const shown = snapshot({hosts: {host1: primary(), host2: unavailable('tls')}, verdict: unconfirmed('host1')})
    expect(textsOf(shown)).toContain('▲ Blind because of our own credentials, TLS or DNS: host2.')
  })

  test('narrow screen: the verdict and its reason wrap, and no word is lost', () => {
    for (let width = 12; width <= 200; width++) {
      const lines = textsOf(torn(), width, {height: 60})
      expect(Math.max(...lines.map(widthOf)), `${width}`).toBeLessThanOrEqual(width)
      const words = lines.join(' ').replaceAll('▲', ' ').split(/\s+/).join(' ')
      expect(words, `${width}`).toContain('SPLIT BRAIN host1, host2, routed to NONE')
      expect(words, `${width}`).toContain('host1 looks stale: host2 is on the higher timeline Suspect: host1.')
    }
  })
})

describe('several groups', () => {
  const names = ['orders', 'billing', 'search']
  const hosts = Object.fromEntries(
    names.flatMap((name) => [
      [`${name}1`, primary()],
      [`${name}2`, standby(`${name}1`)],
    ]),
  )
  const groups = Object.fromEntries(names.map((name) => [name, [`${name}1`, `${name}2`]]))
  const shown = snapshot({hosts, groups, verdicts: {billing: unconfirmed('billing1')}})

  test('a group in trouble comes first, with its reason; the others take one line each', () => {
    const lines = textsOf(shown)
    expect(lines[0]).toContain('▲▲▲ billing: UNCONFIRMED billing1')
    expect(lines.slice(-2).map((text) => text.slice(0, 26))).toEqual([
      '● orders: PRIMARY orders1 ',
      '● search: PRIMARY search1 ',
    ])
  })

  test('a group in trouble stays on top while another group is chosen', () => {
    const lines = textsOf(shown, 80, {group: 'search'})
    expect(lines[0]).toContain('billing: UNCONFIRMED')
    expect(lines).toContain('● search: PRIMARY search1 · V4 · for 1m00s')
  })

  test('50 groups in trouble: the last ones are counted, and the table keeps half of the screen', () => {
    const many = Array.from({length: 50}, (_, index) => `g${index}`)
    const starting = snapshot({
      hosts: Object.fromEntries(many.map((name) => [`${name}h`, unasked()])),
      groups: Object.fromEntries(many.map((name) => [name, [`${name}h`]])),
    })
    const lines = textsOf(starting)
    expect(lines.length).toBeLessThanOrEqual(12)
    expect(lines.at(-1)).toContain('and 39 more groups without a primary')
    expect(textsOf(starting, 80, {group: 'g40'})[0]).toContain('g40: STARTING')
  })

  test('without a group the banner says that there is no verdict', () => {
    expect(textsOf(snapshot({hosts: {}, groups: {}}))[0]).toContain('there is no verdict')
  })
})
