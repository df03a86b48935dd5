import {Text, useInput, useWindowSize} from 'ink'
import {useEffect, useRef, useState} from 'react'
import {OperatorError} from '../core/errors.ts'
import type {Action, Outcome} from './action.ts'
import type {Frame} from './frame.ts'
import {keysOf} from './keys.ts'
import {compose} from './screen.ts'
import {press, type ScreenState} from './screen-state.ts'
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
}: WatchViewProps) {
  const size = useWindowSize()
  const [state, setState] = useState(initial)
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  // Keys that arrive before the next rendering must see the effect of the earlier keys.
  const latest = useRef(initial)
  const asked = useRef<(() => void) | null>(null)
  const screen = compose(frame, state, size, {glyphs, title, actions, outcome})

  useEffect(() => onInterval(state.everyMs), [state.everyMs, onInterval])

  const act = async (label: string, host: string, run: (host: string) => Promise<string>) => {
    setOutcome({kind: 'running', text: `${label} ${host} ...`})
    try {
      setOutcome({kind: 'done', text: `${label} ${host}: ${await run(host)}`})
    } catch (error) {
      setOutcome({kind: 'failed', text: `${label} ${host} failed: ${reasonOf(error)}`})
    }
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
      for (const pressed of keysOf(input, key)) {
        if (asked.current !== null) {
          answer(pressed)
          continue
        }
        const action = latest.current.isTyping ? undefined : actions.find((candidate) => candidate.key === pressed)
        if (pressed === 'q' && !latest.current.isTyping) return onQuit()
        const context = compose(frame, latest.current, size, {glyphs, title, actions, outcome})
        if (action === undefined) {
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
