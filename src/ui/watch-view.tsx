import {Text, useApp, useInput, useWindowSize} from 'ink'
import {useEffect, useRef, useState} from 'react'
import {OperatorError} from '../core/errors.ts'
import type {Action, Outcome} from './action.ts'
import {copiedText} from './copied-text.ts'
import type {Frame} from './frame.ts'
import {keysOf} from './keys.ts'
import {compose} from './screen.ts'
import {press, type ScreenState} from './screen-state.ts'
import {stopUntilContinued} from './suspend.ts'
import type {Widths} from './table/table.ts'
import type {Glyphs} from './text/glyphs.ts'
import {type Line, textOf} from './text/line.ts'
import {styleOf} from './text/tone-style.ts'

export type WatchViewProps = Readonly<{
  frame: Frame
  initial: ScreenState
  actions: readonly Action[]
  title: string | null
  glyphs: Glyphs
  hasColour: boolean
  /** False where standard input is not a terminal: Ink then throws on asking for raw mode. */
  hasKeys: boolean
  onInterval(everyMs: number): void
  onQuit(): void
  /** Puts a text on the reader's clipboard. */
  onCopy(text: string): void
}>

/** The screen. `compose` decides what it shows, `press` what a key does. */
export function WatchView({
  frame,
  initial,
  actions,
  title,
  glyphs,
  hasColour,
  hasKeys,
  onInterval,
  onQuit,
  onCopy,
}: WatchViewProps) {
  const size = useWindowSize()
  const [state, setState] = useState(initial)
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  // Keys that arrive before the next rendering must see the effect of the earlier keys.
  const latest = useRef(initial)
  const asked = useRef<(() => void) | null>(null)
  // A column never gets narrower, so that a change of the verdict moves none.
  const widths = useRef<Readonly<{columns: number; widths: Widths}>>({columns: size.columns, widths: {}})
  if (widths.current.columns !== size.columns) widths.current = {columns: size.columns, widths: {}}
  const look = {glyphs, title, actions, outcome, widths: widths.current.widths}
  const screen = compose(frame, state, size, look)
  widths.current = {columns: size.columns, widths: screen.widths}
  const {suspendTerminal} = useApp()

  useEffect(() => onInterval(state.everyMs), [state.everyMs, onInterval])

  const act = async (label: string, host: string, run: (host: string) => Promise<string>) => {
    const what = host === '' ? label : `${label} ${host}`
    setOutcome({kind: 'running', text: `${what} ...`})
    const ended: Outcome = await run(host).then(
      (done) => ({kind: 'done', text: `${what}: ${done}`}),
      (error) => ({kind: 'failed', text: `${what} failed: ${reasonOf(error)}`}),
    )
    // It takes the place of a question, which "y" must not answer unseen.
    asked.current = null
    setOutcome(ended)
  }
  const begin = (action: Action, host: string) => {
    if ('run' in action) return void act(action.label, host, action.run)
    const {text, run} = action.question(host)
    asked.current = () => void act(action.label, host, run)
    setOutcome({kind: 'asking', text: `${text} y: yes, any other key: no`})
  }
  const answer = (pressed: string) => {
    const go = asked.current
    asked.current = null
    setOutcome(null)
    if (pressed === 'y') go?.()
  }

  useInput(
    (input, key) => {
      if (key.ctrl && input === 'c') return onQuit()
      if (key.ctrl && input === 'z') return void suspendTerminal(stopUntilContinued)
      for (const pressed of keysOf(input, key)) {
        if (asked.current !== null) {
          answer(pressed)
          continue
        }
        const action = latest.current.isTyping ? undefined : actions.find((candidate) => candidate.key === pressed)
        if (pressed === 'q' && !latest.current.isTyping) return onQuit()
        const context = compose(frame, latest.current, size, look)
        if (action?.isOfHost === false) begin(action, '')
        else if (pressed === 'y' && !latest.current.isTyping) {
          const text = copiedText(context, latest.current, frame)
          onCopy(text)
          setOutcome({kind: 'done', text: `copied: ${text}`})
        } else if (action === undefined) {
          const groups = Object.keys(frame.snapshot.groups)
          latest.current = press(latest.current, pressed, {...context, groups, frame})
        } else if (context.selected !== null) {
          begin(action, context.selected)
        }
      }
      setState(latest.current)
    },
    {isActive: hasKeys},
  )

  // biome-ignore lint/suspicious/noArrayIndexKey: a line is identified by its position
  return screen.lines.map((spans, index) => <ScreenLine key={index} spans={spans} hasColour={hasColour} />)
}

function reasonOf(error: unknown): string {
  if (error instanceof OperatorError) return `${error.message}. ${error.next}`
  return error instanceof Error ? error.message : String(error)
}

/** Ink draws no line for an empty text, so a blank line gets a space. */
function ScreenLine({spans, hasColour}: {spans: Line; hasColour: boolean}) {
  return (
    <Text wrap="truncate-end">
      {textOf(spans) === ''
        ? ' '
        : spans.map(({text, tone}, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a span is identified by its position
            <Text key={index} {...styleOf(tone, hasColour)}>
              {text}
            </Text>
          ))}
    </Text>
  )
}
