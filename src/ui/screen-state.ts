import type {Frame, Received} from './frame.ts'
import {type Sort, sorts} from './table/sort.ts'

/** What the reader of the screen has chosen: view, selection, order, filter. */
export type ScreenState = Readonly<{
  view: 'table' | 'details' | 'changes' | 'routers' | 'help'
  /** The name of a host, so that the selection follows the host when rows move. */
  selected: string | null
  sort: Sort
  filter: string
  /** Words that a change must have, in the view of the changes. */
  search: string
  /** The selected change; `null`: the newest. */
  cursor: Received | null
  isTyping: boolean
  group: string | null
  /** The frame at which the table is paused. */
  held: Frame | null
  everyMs: number
  /** First line shown, in the views that scroll. */
  offset: number
}>

/** Milliseconds between two drawings. */
export const intervals = [100, 200, 500, 1000, 2000, 5000, 10_000] as const

export const initialState: ScreenState = {
  view: 'table',
  selected: null,
  sort: 'config',
  filter: '',
  search: '',
  cursor: null,
  isTyping: false,
  group: null,
  held: null,
  everyMs: 1000,
  offset: 0,
}

/** What is on the screen when a key is pressed. */
export type KeyContext = Readonly<{
  /** Names of the hosts in the table, in its order. */
  hosts: readonly string[]
  groups: readonly string[]
  /** The changes in their view, newest first. */
  changes: readonly Received[]
  frame: Frame
  /** Lines that a page up or down moves. */
  page: number
  /** Lines of the view beyond the first screenful. */
  hidden: number
}>

/**
 * The state after a key, given by name (`up`, `enter`, `escape` …) or as the typed character. The
 * view handles quitting and actions before.
 */
export function press(state: ScreenState, key: string, context: KeyContext): ScreenState {
  if (state.isTyping) return type(state, key)
  const lines = moves(key, context.page)
  if (lines !== null) {
    if (state.view === 'table') return select(state, lines, context)
    return state.view === 'changes' ? point(state, lines, context) : scroll(state, lines, context)
  }
  switch (key) {
    case 'enter':
      return state.view === 'table' && context.hosts.length > 0 ? {...state, view: 'details', offset: 0} : home(state)
    case 'escape':
      if (state.view === 'changes' && state.search !== '') return {...state, search: ''}
      return state.view === 'table' ? {...state, filter: ''} : home(state)
    case 's':
      return {...state, sort: sorts[(sorts.indexOf(state.sort) + 1) % sorts.length] ?? 'config'}
    case '/':
      return state.view === 'changes' ? {...state, isTyping: true} : {...home(state), isTyping: true}
    case 'g':
      return {...state, group: after(context.groups, state.group)}
    case ' ':
      return {...state, held: state.held === null ? context.frame : null}
    case '+':
    case '=':
      return {...state, everyMs: intervals.findLast((ms) => ms < state.everyMs) ?? state.everyMs}
    case '-':
      return {...state, everyMs: intervals.find((ms) => ms > state.everyMs) ?? state.everyMs}
    case 'e':
      return state.view === 'changes' ? home(state) : {...state, view: 'changes', offset: 0, cursor: null}
    case 'r':
      return state.view === 'routers' ? home(state) : {...state, view: 'routers', offset: 0}
    case '?':
      return state.view === 'help' ? home(state) : {...state, view: 'help', offset: 0}
    default:
      return state
  }
}

const home = (state: ScreenState): ScreenState => ({...state, view: 'table', offset: 0})

/** `null` (all) → first … last → `null`. A single group is the same as all. */
function after(groups: readonly string[], group: string | null): string | null {
  if (groups.length < 2) return null
  return groups[group === null ? 0 : groups.indexOf(group) + 1] ?? null
}

function type(state: ScreenState, key: string): ScreenState {
  if (key === 'enter') return {...state, isTyping: false}
  const field = state.view === 'changes' ? 'search' : 'filter'
  const text = state[field]
  if (key === 'escape') return {...state, isTyping: false, [field]: ''}
  if (key === 'backspace') return {...state, [field]: text.slice(0, -1)}
  return [...key].length === 1 ? {...state, [field]: (text + key).slice(0, 60)} : state
}

function moves(key: string, page: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    up: -1,
    k: -1,
    down: 1,
    j: 1,
    pageup: -page,
    pagedown: page,
    home: Number.NEGATIVE_INFINITY,
    end: Number.POSITIVE_INFINITY,
  }
  return steps[key] ?? null
}

const within = (value: number, last: number): number => Math.max(0, Math.min(last, value))

function select(state: ScreenState, lines: number, {hosts}: KeyContext): ScreenState {
  const at = Math.max(0, hosts.indexOf(state.selected ?? ''))
  return {...state, selected: hosts[within(at + lines, hosts.length - 1)] ?? null}
}

function point(state: ScreenState, lines: number, {changes}: KeyContext): ScreenState {
  const at = state.cursor === null ? 0 : Math.max(0, changes.indexOf(state.cursor))
  const next = within(at + lines, changes.length - 1)
  // The newest one stays the newest one when another comes.
  return {...state, cursor: next === 0 ? null : (changes[next] ?? null)}
}

const scroll = (state: ScreenState, lines: number, {hidden}: KeyContext): ScreenState => ({
  ...state,
  offset: within(state.offset + lines, hidden),
})
