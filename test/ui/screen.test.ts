import {describe, expect, test} from 'vitest'
import type {Snapshot} from '../../src/core/snapshot.ts'
import type {Frame} from '../../src/ui/frame.ts'
import {compose, type Look} from '../../src/ui/screen.ts'
import {initialState, type ScreenState} from '../../src/ui/screen-state.ts'
import {widthOf} from '../../src/ui/text/cells.ts'
import {textOf} from '../../src/ui/text/line.ts'
import {noon, primary, snapshot, standby, unavailable} from '../support/snapshots.ts'
import {calm, frameOf, glyphs, headless, torn} from './stage.ts'

const look: Look = {glyphs, title: null, actions: [], outcome: null}
const drawn = (frame: Frame, state: Partial<ScreenState> = {}, [columns, rows] = [80, 24], over: Partial<Look> = {}) =>
  compose(frame, {...initialState, ...state}, {columns, rows}, {...look, ...over})
const textsOf = (...given: Parameters<typeof drawn>) => drawn(...given).lines.map(textOf)

const crowd = (count: number): Snapshot =>
  snapshot({
    hosts: Object.fromEntries(
      Array.from({length: count}, (_, index) => [
        `an-orders-database-with-a-long-name-${index}`,
        index === 0
          ? primary()
          : index % 3 === 1
            ? unavailable('auth', {detail: '接続が拒否されました\u001b[2J'})
            : standby('an-orders-database-with-a-long-name-0'),
      ]),
    ),
  })
test('of a set, a line says which instance tells of how many groups', () => {
  const {groups, ...calmly} = calm()
  const owner = {instance: 'lb1', epoch: 1}
  const shared = {
    ...calmly,
    groups: Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, {...group, owner}])),
  }
  expect(textsOf(frameOf(shared)).join('\n')).toContain('lb1 tells of 1 group')
  expect(textsOf(frameOf(calm())).join('\n')).not.toContain('tells of')
})

const heard = Array.from({length: 60}, (_, index) => ({
  at: noon.wall,
  change: {
    kind: 'role',
    group: null,
    host: `host${index}`,
    from: 'standby',
    to: 'unavailable',
    rule: null,
    why: 'refused: 接続',
  } as const,
}))

test('every view fills a screen of any size and never exceeds it', () => {
  const frames = [calm(), torn(), headless(), crowd(30), snapshot({hosts: {}, groups: {}})].map((shown) =>
    frameOf(shown, heard),
  )
  const views = ['table', 'details', 'changes', 'routers', 'help'] as const
  for (const frame of frames)
    for (const view of views)
      for (const columns of [12, 20, 40, 71, 80, 140, 200])
        for (const rows of [1, 3, 6, 12, 24, 60]) {
          const lines = textsOf(frame, {view, held: rows === 12 ? frame : null, filter: columns === 40 ? 'o' : ''}, [
            columns,
            rows,
          ])
          expect(lines.length, `${view} ${columns}x${rows}`).toBe(rows)
          expect(Math.max(...lines.map(widthOf)), `${view} ${columns}x${rows}`).toBeLessThanOrEqual(columns)
        }
})

test('a screen that shrinks loses the verdict last', () => {
  expect(textsOf(frameOf(torn()), {}, [80, 1])[0]).toContain('SPLIT BRAIN')
  for (const view of ['details', 'changes', 'routers', 'help'] as const)
    expect(textsOf(frameOf(torn()), {view}, [40, 6])[0]).toContain('SPLIT BRAIN')
})

test('a long reason leaves room for the table; the details show all of it', () => {
  const why = `no host is primary: ${Array.from({length: 90}, (_, index) => `host${index} is a standby`).join(', ')}`
  const shown = snapshot({
    hosts: {host1: standby(), host2: unavailable()},
    verdict: {kind: 'split-brain', rule: 'V1', why, suspect: 'host1'},
  })
  const lines = textsOf(frameOf(shown))
  expect(lines[10]).toMatch(/ …$/)
  expect(lines[11]).toContain('Suspect: host1.')
  expect(lines.some((text) => text.includes('○ standby'))).toBe(true)
  const details = textsOf(frameOf(shown), {view: 'details'}, [80, 90]).slice(45).join(' ').replaceAll(/ +/g, ' ')
  expect(details).toContain('host88 is a standby, host89 is a standby')
})

test('80 by 24', () => {
  const lines = textsOf(frameOf(calm(), heard.slice(0, 1)))
  expect(lines.slice(0, 8)).toEqual([
    '● PRIMARY host1 · V4 · for 1m00s',
    '  host1 is the only primary',
    '',
    '  HOST   ROLE              FOR  TL         LSN      LAG  BEHIND  UPSTREAM  SYNC ',
    '▸ host1  ● primary       1m00s   3   0/3000148                                  ',
    '  host2  ○ standby       1m00s   3   0/3000148      0 B     0ms  host1     sync ',
    '  host3  ○ standby       1m00s   3   0/3000148    16 MB    4.2s  host1     async',
    '',
  ])
  expect(lines[9]).toMatch(/^\d\d:\d\d:\d\d host0 standby → unavailable {2}refused: 接続$/)
  expect(lines[23]).toBe('q quit  j/k move  enter details  s sort:config  / filter  r routers  ? help')
})

test('an unavailable host shows its reason instead of numbers', () => {
  const [row] = textsOf(frameOf(headless())).filter((text) => text.includes('unavailable '))
  expect(row).toBe('▸ host1  ✗ unavailable   1m00s  blind: auth: seen: auth')
})

describe('more hosts than lines', () => {
  const names = Object.keys(crowd(30).hosts)
  const rowsOf = (lines: readonly string[]) => lines.filter((text) => /standby|primary {3}|unavailable/.test(text))

  test.each(names.map((name, index) => [index, name] as const))('the selected host is visible: %d', (_, name) => {
    const lines = textsOf(frameOf(crowd(30)), {selected: name}, [80, 14])
    expect(lines.filter((text) => text.startsWith('▸'))).toHaveLength(1)
    expect(lines.some((text) => / of 30 hosts$/.test(text))).toBe(true)
    expect(rowsOf(lines).length).toBeGreaterThan(1)
  })

  test('a selected host that is removed: the first host is selected', () => {
    expect(drawn(frameOf(calm()), {selected: 'gone'}).selected).toBe('host1')
  })
})

test('paused: the table stands still and the verdict is live', () => {
  const lines = textsOf({...frameOf(torn()), wall: noon.wall + 5000}, {held: frameOf(calm())})
  expect(lines[0]).toContain('SPLIT BRAIN')
  expect(lines.filter((text) => text.includes('● primary'))).toHaveLength(1)
  expect(lines.at(-2)).toContain('PAUSED 5s ago')
})

test('an active filter is always shown', () => {
  expect(textsOf(frameOf(calm()), {filter: 'host2'}).at(-2)).toContain('showing only hosts that match "host2"')
  expect(textsOf(frameOf(calm()), {filter: 'zzz'})).toContain('no host matches "zzz"')
  expect(textsOf(frameOf(calm()), {filter: 'ho', isTyping: true}).at(-2)).toBe('/ho_')
  expect(textsOf(frameOf(snapshot({hosts: {}})))).toContain('no hosts')
})

test('details show the known facts of a host, and which are unknown', () => {
  const lines = textsOf(frameOf(torn()), {view: 'details', selected: 'host3'}, [80, 40])
  expect(lines).toContain('cause              refused: seen: refused')
  expect(lines.some((text) => text.startsWith('all                split-brain (V1 two-primaries) since '))).toBe(true)
  expect(textsOf(frameOf(calm()), {view: 'details', selected: 'host2'}, [80, 40])).toContain(
    'replication        streaming, sync',
  )
  expect(textsOf(frameOf(calm()), {view: 'details', selected: 'host2'}, [80, 40])).toContain(
    'server             PostgreSQL 15.20',
  )
})

test('a scrolling view says how many lines follow', () => {
  const at = (offset: number) => textsOf(frameOf(calm(), heard), {view: 'help', offset}, [80, 14]).at(-2)
  const {hidden} = drawn(frameOf(calm(), heard), {view: 'help'}, [80, 14])
  expect(at(0)).toBe(`${hidden} more lines below`)
  expect(at(hidden)).toBe('the end')
})

test('a single action is listed with the other keys', () => {
  const actions = [{key: 'd', label: 'drain', run: async () => ''}]
  expect(textsOf(frameOf(calm()), {}, [100, 24], {actions}).at(-1)).toMatch(/e changes {2}r routers {2}d drain {2}/)
})

test('below the verdict: maintenance, actuators out of sync with their problems, then the others', () => {
  const actuators = {
    'haproxy /a.sock': {status: 'out-of-sync', problems: ['is HAProxy running?'], since: noon.wall, verifiedAt: null},
    'hook page-me': {status: 'in-sync', problems: [], since: noon.wall, verifiedAt: noon.wall},
  } as const
  const maintenance = {since: noon.wall - 60_000, by: 'anna', reason: 'new disks', until: noon.wall + 120_000}
  const text = textsOf(frameOf({...calm(), actuators, maintenance}), {}, [80, 24], {}).join('\n')
  expect(text).toMatch(/PRIMARY host1[\s\S]* MAINTENANCE by anna for 1m00s, ends in 2m00s: new disks/)
  expect(text).toMatch(/haproxy \/a\.sock is out of sync: is HAProxy running\?\nhook page-me in-sync\n/)
})

test('a change from another day shows its date', () => {
  const change = {
    kind: 'role',
    group: null,
    host: 'host2',
    from: 'standby',
    to: 'primary',
    rule: null,
    why: 'answers as primary',
  } as const
  const texts = textsOf(frameOf(calm(), [{at: noon.wall - 3 * 24 * 3_600_000, change}]), {}, [120, 24], {})
  expect(texts.join('\n')).toMatch(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d host2/)
})

test('several actions are listed at the foot, with the outcome of the last one above', () => {
  const actions = ['K kill', 'P promote'].map((text) => ({
    key: text.slice(0, 1),
    label: text.slice(2),
    run: async () => '',
  }))
  const lines = textsOf(frameOf(calm()), {}, [80, 24], {
    actions,
    outcome: {kind: 'done', text: 'kill host1: done'},
    title: 'demo',
  })
  expect(lines.slice(-3, -1)).toEqual(['kill host1: done', 'K kill  P promote'])
  expect(lines[0]).toBe('demo')
})
