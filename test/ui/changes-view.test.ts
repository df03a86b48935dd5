import {expect, test} from 'vitest'
import {copiedText} from '../../src/ui/copied-text.ts'
import {Histories} from '../../src/ui/events/histories.ts'
import type {Received} from '../../src/ui/frame.ts'
import {compose, type Look} from '../../src/ui/screen.ts'
import {initialState, type ScreenState} from '../../src/ui/screen-state.ts'
import {textOf} from '../../src/ui/text/line.ts'
import {noon, primary, snapshot, standby} from '../support/snapshots.ts'
import {calm, frameOf, glyphs, headless, torn} from './stage.ts'

const changes: readonly Received[] = Array.from({length: 30}, (_, index) => ({
  at: noon.wall - index * 1_000,
  change: {
    ...{kind: 'role', group: null, host: `host${index}`, from: 'standby', to: 'unavailable', rule: null},
    why: `refused: no server listens on port 54${index}`,
  },
}))
const frame = frameOf(calm(), changes)
const look: Look = {glyphs, title: null, actions: [], outcome: null}
const drawn = (state: Partial<ScreenState>, [columns, rows] = [80, 24], shown = frame) =>
  compose(shown, {...initialState, ...state}, {columns, rows}, look)
const texts = (...given: Parameters<typeof drawn>) => drawn(...given).lines.map((spans) => textOf(spans).trimEnd())

test('the selected change is visible, wherever it is', () => {
  for (const cursor of changes) {
    const marked = texts({view: 'changes', cursor}).filter((text) => text.startsWith('▸'))
    expect(marked).toEqual([expect.stringContaining(` ${cursor.change.host} standby → unavailable`)])
  }
  expect(texts({view: 'changes', cursor: changes[3] ?? null}).join('\n')).toContain('change 4 of 30')
})

test('a search keeps the changes that have each word, and says so', () => {
  const lines = texts({view: 'changes', search: 'host2 REFUSED'})
  expect(lines.join('\n')).toContain('change 1 of 11')
  expect(lines.join('\n')).toContain('showing only changes with "host2 REFUSED"')
  expect(texts({view: 'changes', search: 'nothing has this'}).join('\n')).toContain('no change has "nothing has this"')
  // The filter of the table and the search are two things.
  expect(drawn({view: 'table', search: 'nothing has this'}).changes).toHaveLength(30)
})

test('a long reason wraps below the table where there is room', () => {
  const why = `the server ended the session (57P01) and ${'refuses new connections '.repeat(8)}to the end`
  const [first] = changes
  const long = first ? [{...first, change: {...first.change, why}}] : []
  const roomy = texts({}, [80, 24], frameOf(calm(), long)).join(' ').replaceAll(/\s+/g, ' ')
  expect(roomy).toContain('refuses new connections to the end')
})

test('columns stay where they are when the verdict changes', () => {
  const states = [calm(), torn(), headless(), calm()]
  for (const columns of [60, 80, 140]) {
    let widths = {}
    const headings = states.map((shown) => {
      const screen = compose(frameOf(shown), initialState, {columns, rows: 30}, {...look, widths})
      widths = screen.widths
      return screen.lines.map((spans) => textOf(spans).trimEnd()).find((text) => text.includes('ROLE'))
    })
    expect(new Set(headings).size, `${columns}`).toBe(1)
  }
})

test('a screen without room for notes shows them over the other columns', () => {
  const row = texts({}, [60, 24], frameOf(torn())).find((text) => text.includes('host1 ● primary'))
  expect(row).toMatch(/suspect, not routed$/)
  expect(row?.length).toBeLessThanOrEqual(60)
})

test('y copies the host or the change that is selected, as plain text', () => {
  const state = {...initialState, view: 'table' as const, selected: 'host3'}
  expect(copiedText(drawn(state), state, frame)).toBe(
    'host3 10.0.0.3:5432, standby, timeline 3, lsn 0/3000148, lag 16 MB 4.2s, upstream host1',
  )
  const there = {...initialState, view: 'changes' as const, cursor: changes[1] ?? null}
  expect(copiedText(drawn(there), there, frame)).toBe(
    '2026-11-21T11:59:59.000Z host1 standby -> unavailable: refused: no server listens on port 541',
  )
})

test('what a server wrote gets to the clipboard without line breaks: a shell would run what is pasted', () => {
  const change = {...(changes[1] ?? expect.unreachable()).change, why: 'auth: no\nrm -rf /\r\u001b[2J'}
  const received = {at: noon.wall, change}
  const state = {...initialState, view: 'changes' as const, cursor: received}
  expect(copiedText(drawn(state), state, frame)).toMatch(/: auth: no rm -rf \/ \[2J$/)
})

test('WAL a second and lag are kept for each answer of a host', () => {
  const histories = new Histories()
  const look_ = (askedAt: number, lsn: string, lagBytes: number) =>
    histories.record(
      snapshot({hosts: {host1: primary({askedAt, lsn}), host2: standby('host1', {askedAt, lsn, lagBytes})}}),
    )
  look_(1_000, '0/1000000', 10)
  look_(1_000, '0/1000000', 10)
  look_(3_000, '0/1200000', 20)
  look_(4_000, '0/1100000', 30)
  const kept = histories.all.get('host2')
  expect(histories.all.get('host1')?.walRates).toEqual([null, 1_048_576, null])
  expect([kept?.lags, kept?.walRates]).toEqual([
    [10, 20, 30],
    [null, 1_048_576, null],
  ])
})
