import {Text, useInput, useWindowSize} from 'ink'
import {useEffect, useRef, useState} from 'react'
import type {Action, Outcome} from './action.ts'
import type {Frame} from './frame.ts'
import type {Glyphs} from './glyphs.ts'
import {type Line, textOf} from './line.ts'
import {compose} from './screen.ts'
import {press, type ScreenState} from './screen-state.ts'
import {strokesOf} from './stroke.ts'
import {styleOf} from './tone-style.ts'

export type WatchViewProps = Readonly<{
  frame: Frame
  initial: ScreenState
  actions: readonly Action[]
  title: string | null
  glyphs: Glyphs
  hasColour: boolean
  /** False where standard input is no terminal: then there are no keys, and asking for raw mode throws. */
  hasKeys: boolean
  onInterval(everyMs: number): void
  onQuit(): void
}>

/** The screen. It decides nothing: `compose` says what is on it, `press` what a key does. */
export function WatchView({frame, initial, actions, title, glyphs, hasColour, hasKeys, onInterval, onQuit}: WatchViewProps) {
  const size = useWindowSize()
  const [state, setState] = useState(initial)
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  // Keys that come before the next rendering must find what the ones before them did.
  const latest = useRef(initial)
  const screen = compose(frame, state, size, {glyphs, title, actions, outcome})

  useEffect(() => onInterval(state.everyMs), [state.everyMs, onInterval])

  const act = async ({label, run}: Action, host: string) => {
    setOutcome({kind: 'running', text: `${label} ${host} ...`})
    try {
      setOutcome({kind: 'done', text: `${label} ${host}: ${await run(host)}`})
    } catch (error) {
      setOutcome({kind: 'failed', text: `${label} ${host} failed: ${error instanceof Error ? error.message : String(error)}`})
    }
  }

  useInput(
    (input, key) => {
      if (key.ctrl && input === 'c') return onQuit()
      for (const stroke of strokesOf(input, key)) {
        const action = latest.current.isTyping ? undefined : actions.find((candidate) => candidate.key === stroke)
        if (stroke === 'q' && !latest.current.isTyping) return onQuit()
        if (action === undefined) {
          const groups = Object.keys(frame.snapshot.groups)
          const sight = compose(frame, latest.current, size, {glyphs, title, actions, outcome})
          latest.current = press(latest.current, stroke, {...sight, groups, frame})
        } else if (screen.selected !== null) {
          void act(action, screen.selected)
        }
      }
      setState(latest.current)
    },
    {isActive: hasKeys},
  )

  // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place on the screen
  return screen.lines.map((spans, index) => <ScreenLine key={index} spans={spans} hasColour={hasColour} />)
}

/** An empty text would take no line at all. */
function ScreenLine({spans, hasColour}: {spans: Line; hasColour: boolean}) {
  return (
    <Text wrap="truncate-end">
      {textOf(spans) === ''
        ? ' '
        : spans.map(({text, tone}, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a span is its place on the line
            <Text key={index} {...styleOf(tone, hasColour)}>
              {text}
            </Text>
          ))}
    </Text>
  )
}
