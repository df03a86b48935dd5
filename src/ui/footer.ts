import type {Action} from './action.ts'
import type {ScreenState} from './screen-state.ts'
import {widthOf} from './text/cells.ts'
import {type Line, line, type Span} from './text/line.ts'

type Hint = Readonly<{key: string; text: string; rank: number}>

/** The keys, as many as fit on one line. Quit and help go last. */
export function footer(state: ScreenState, actions: readonly Action[], groups: number, width: number): readonly Line[] {
  if (state.isTyping) return [fitted([hint('enter', 'keep', 1), hint('esc', 'clear', 1)], width)]
  const own = actions.map(({key, label}) => hint(key, label, actions.length > 1 ? 1 : 5))
  const here =
    state.view === 'table'
      ? [
          hint('j/k', 'move', 3),
          hint('enter', 'details', 4),
          hint('s', `sort:${state.sort}`, 6),
          hint('/', 'filter', 5),
          ...(groups > 1 ? [hint('g', `group:${state.group ?? 'all'}`, 5)] : []),
          hint('e', 'changes', 7),
          hint('r', 'routers', 6),
          ...(own.length === 1 ? own : []),
        ]
      : state.view === 'changes'
        ? [hint('esc', 'back', 1), hint('j/k', 'select', 3), hint('/', 'search', 4), hint('y', 'copy', 5)]
        : [hint('esc', 'back', 1), hint('j/k', 'scroll', 3)]
  const hints: readonly Hint[] = [
    hint('q', 'quit', 0),
    ...here,
    hint('space', state.held === null ? 'pause' : 'continue', 8),
    hint('+/-', intervalText(state.everyMs), 9),
    hint('?', 'help', 1),
  ]
  return own.length > 1 ? [fitted(own, width), fitted(hints, width)] : [fitted(hints, width)]
}

const hint = (key: string, text: string, rank: number): Hint => ({key, text, rank})
const intervalText = (ms: number): string => (ms < 1000 ? `${ms}ms` : `${ms / 1000}s`)
const cellsOf = ({key, text}: Hint): number => widthOf(key) + 1 + widthOf(text)

function fitted(hints: readonly Hint[], width: number): Line {
  const chosen = new Set<Hint>()
  let left = width + 2
  for (const item of hints.toSorted((a, b) => a.rank - b.rank)) {
    if (cellsOf(item) + 2 > left) break
    chosen.add(item)
    left -= cellsOf(item) + 2
  }
  const spans = hints
    .filter((item) => chosen.has(item))
    .flatMap((item, index): Span[] => [
      ...line(index === 0 ? '' : '  '),
      ...line(item.key, 'strong'),
      ...line(` ${item.text}`, 'faint'),
    ])
  return spans
}
