import {describe, expect, test} from 'vitest'
import type {HostState} from '../../src/core/snapshot.ts'
import {spanText} from '../../src/core/words/age.ts'
import {groupNamed, hostsOf, matches} from '../../src/ui/table/filter.ts'
import {rowOf} from '../../src/ui/table/row.ts'
import {type Sort, sorted} from '../../src/ui/table/sort.ts'
import {drained, type HostDraft, noon, primary, snapshot, standby, unavailable} from '../support/snapshots.ts'
import {calm, frameOf, glyphs, torn} from './stage.ts'

const rowIn = (shown: ReturnType<typeof snapshot>, name: string) =>
  rowOf(shown.hosts[name] as HostState, frameOf(shown), glyphs)

describe('the texts of a host', () => {
  test('a primary has no lag, no upstream and no reason', () => {
    const {texts, because} = rowIn(calm(), 'host1')
    expect(because).toBeNull()
    expect(texts).toMatchObject({
      role: '● primary',
      since: '1m00s',
      timeline: '3',
      lsn: '0/3000148',
      lagBytes: '',
      lagTime: '',
      upstream: '',
    })
    expect(texts).toMatchObject({backends: '7/100', probe: '0.4ms', notes: '', sync: ''})
  })

  test('a standby shows its lag in bytes and time, and its upstream', () => {
    expect(rowIn(calm(), 'host3').texts).toMatchObject({
      role: '○ standby',
      lagBytes: '16 MB',
      lagTime: '4.2s',
      upstream: 'host1',
      sync: 'async',
    })
  })

  test('an unknown lag is shown as ?, never as zero', () => {
    const shown = snapshot({
      hosts: {host1: primary(), host2: standby('host1', {lagBytes: null, lagMs: null, timeline: null})},
    })
    expect(rowIn(shown, 'host2').texts).toMatchObject({lagBytes: '?', lagTime: '?', timeline: '?'})
  })

  test.each<[string, HostDraft, string]>([
    ['refused', unavailable('refused'), 'refused: seen: refused'],
    ['blind', unavailable('auth'), 'blind: auth: seen: auth'],
    ['drained besides', unavailable('timeout', {drained}), 'drained · timeout: seen: timeout'],
    ['never asked', unavailable(null, {detail: null, askedAt: null}), 'not asked yet'],
    ['control characters', unavailable('error', {detail: 'a\u001b[31m\nb'}), 'error: a [31m b'],
  ])('an unavailable host shows its reason: %s', (_, draft, text) => {
    expect(rowIn(snapshot({hosts: {host1: draft}}), 'host1').because).toBe(text)
  })

  test.each<[string, HostDraft, string]>([
    ['nothing', standby(), ''],
    ['drained', standby('host1', {drained}), 'drained'],
    ['not streaming', standby('host1', {receiver: null, replicationState: null}), 'not streaming'],
    ['catching up', standby('host1', {replicationState: 'catchup'}), 'catchup'],
    ['paused', standby('host1', {replayPaused: true}), 'replay paused'],
    ['delayed', standby('host1', {delayed: {delayMs: 3_600_000, isReadable: false}}), `delayed ${spanText(3_600_000)}`],
  ])('notes of a standby: %s', (_, draft, text) => {
    expect(rowIn(snapshot({hosts: {host1: primary(), host2: draft}}), 'host2').texts.notes).toBe(text)
  })

  test('a primary without routed writes has a note that says so', () => {
    expect(rowIn(torn(), 'host1').texts.notes).toBe('suspect, not routed')
    expect(rowIn(torn(), 'host2').texts.notes).toBe('not routed')
  })
})

describe('the order of hosts', () => {
  const shown = snapshot({
    hosts: {
      host10: standby('host1', {lagBytes: 5, since: noon.wall - 10, probeMs: 2}),
      host2: standby('host1', {lagBytes: null, since: noon.wall - 20}),
      host1: primary({since: noon.wall - 30}),
      host3: unavailable('refused', {since: noon.wall - 5}),
    },
  })
  test.each<[Sort, string]>([
    ['config', 'host10 host2 host1 host3'],
    ['name', 'host1 host2 host3 host10'],
    ['role', 'host1 host3 host10 host2'],
    ['lag', 'host2 host10 host3 host1'],
    ['change', 'host3 host10 host2 host1'],
    ['probe', 'host3 host10 host2 host1'],
  ])('by %s: %s', (sort, names) => {
    expect(
      sorted(Object.values(shown.hosts), sort)
        .map(({host}) => host)
        .join(' '),
    ).toBe(names)
  })
})

describe('which hosts are shown', () => {
  const shown = snapshot({
    hosts: {host1: primary(), host2: standby('host1', {location: 'mr', drained}), host3: unavailable('tls')},
    groups: {orders: ['host1', 'host2'], billing: ['host3']},
  })
  test.each([
    ['', 'host1 host2 host3'],
    ['STANDBY', 'host2'],
    ['tls', 'host3'],
    ['orders mr', 'host2'],
    ['10.0.0.3:5432', 'host3'],
    ['drained', 'host2'],
    ['nothing', ''],
  ])('"%s" matches %s', (text, names) => {
    expect(
      Object.values(shown.hosts)
        .filter((host) => matches(host, text))
        .map(({host}) => host)
        .join(' '),
    ).toBe(names)
  })

  test('a group shows only its hosts', () => {
    expect(hostsOf(shown, 'billing').map(({host}) => host)).toEqual(['host3'])
    expect(hostsOf(shown, null)).toHaveLength(3)
    expect(hostsOf(shown, 'gone')).toEqual([])
  })

  test('group: a name selects it, all selects every host, an unknown name is refused with the known ones', () => {
    expect(groupNamed('orders', shown)).toBe('orders')
    expect(groupNamed('all', shown)).toBeNull()
    expect(groupNamed(undefined, shown)).toBeNull()
    // A word that every JavaScript object has is no group.
    expect(() => groupNamed('constructor', shown)).toThrow(expect.objectContaining({code: 'USAGE_GROUP'}))
    expect(() => groupNamed('order', shown)).toThrow(
      expect.objectContaining({code: 'USAGE_GROUP', next: 'Did you mean "orders"? Groups: orders, billing.'}),
    )
  })
})
