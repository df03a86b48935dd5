import {expect, test} from 'vitest'
import {initialState, type KeyContext, press, type ScreenState} from '../../src/ui/screen-state.ts'
import {calm, frameOf} from './stage.ts'

const frame = frameOf(calm())
const context: KeyContext = {
  hosts: ['host1', 'host2', 'host3'],
  groups: ['orders', 'billing'],
  frame,
  page: 2,
  hidden: 5,
  changes: ['a', 'b', 'c', 'd'].map((why, at) => ({
    at,
    change: {kind: 'role', group: null, host: 'host1', from: null, to: 'standby', rule: null, why},
  })),
}
const [, second, , last] = context.changes
const pressed = (keys: readonly string[], from: Partial<ScreenState> = {}, seen: Partial<KeyContext> = {}) =>
  keys.reduce((state, key) => press(state, key, {...context, ...seen}), {...initialState, ...from})

test.each<[keys: string, then: Partial<ScreenState>]>([
  ['j', {selected: 'host2'}],
  ['down down down down', {selected: 'host3'}],
  ['j j k', {selected: 'host2'}],
  ['k', {selected: 'host1'}],
  ['end', {selected: 'host3'}],
  ['end home', {selected: 'host1'}],
  ['pagedown', {selected: 'host3'}],
  ['enter', {view: 'details'}],
  ['enter enter', {view: 'table'}],
  ['enter j j escape', {view: 'table', offset: 0, selected: null}],
  ['? j', {view: 'help', offset: 1}],
  ['? end', {view: 'help', offset: 5}],
  ['e j', {view: 'changes', cursor: second ?? null}],
  ['e end', {view: 'changes', cursor: last ?? null}],
  ['e end home', {view: 'changes', cursor: null}],
  ['e / a', {view: 'changes', isTyping: true, search: 'a', filter: ''}],
  ['e / a enter escape', {view: 'changes', search: ''}],
  ['e / a enter escape escape', {view: 'table'}],
  ['r', {view: 'routers'}],
  ['r r', {view: 'table'}],
  ['e e', {view: 'table'}],
  ['? ? ?', {view: 'help'}],
  ['s', {sort: 'name'}],
  ['s s s s s s', {sort: 'config'}],
  ['g', {group: 'orders'}],
  ['g g', {group: 'billing'}],
  ['g g g', {group: null}],
  ['+ + + + +', {everyMs: 100}],
  ['=', {everyMs: 500}],
  ['- - - - -', {everyMs: 10_000}],
  ['/ q j backspace backspace q', {isTyping: true, filter: 'q'}],
  ['/ a enter', {isTyping: false, filter: 'a'}],
  ['/ a escape', {isTyping: false, filter: ''}],
  ['/ a enter escape', {filter: ''}],
  ['enter / a', {view: 'table', filter: 'a'}],
  ['z', initialState],
])('%s', (keys, then) => {
  expect(pressed(keys.split(' '))).toMatchObject(then)
})

test('space pauses the table, and pressed again continues', () => {
  expect(pressed([' ']).held).toBe(frame)
  expect(pressed([' ', ' ']).held).toBeNull()
})

test('one group: g changes nothing; no host: enter changes nothing', () => {
  expect(pressed(['g'], {}, {groups: ['all']}).group).toBeNull()
  expect(pressed(['enter', 'j'], {}, {hosts: []})).toMatchObject({view: 'table', selected: null})
})

test('the selection follows its host when the rows move', () => {
  const state = pressed(['j'])
  expect(press(state, 'j', {...context, hosts: ['host3', 'host2', 'host1']}).selected).toBe('host1')
})
