import {render} from 'ink'
import {clipboardSequence} from './copied-text.ts'
import {Feed} from './events/feed.ts'
import type {Frame} from './frame.ts'
import {initialState} from './screen-state.ts'
import {guardTerminal} from './terminal-guard.ts'
import {glyphsFor} from './text/glyphs.ts'
import type {WatchOptions} from './watch-options.ts'
import {WatchView} from './watch-view.tsx'

/**
 * Loads Ink and React, so `show.ts` imports this file only when there is a screen to show. Resolves
 * when the reader has quit.
 */
export async function openScreen({
  source,
  clock,
  actions = [],
  pastChanges = [],
  title,
  group = null,
  everyMs = initialState.everyMs,
  signal,
}: WatchOptions): Promise<void> {
  const {env, stdin} = process
  const initial = {...initialState, group, everyMs}
  const view = (frame: Frame) => (
    <WatchView
      frame={frame}
      initial={initial}
      actions={actions}
      title={title ?? null}
      glyphs={glyphsFor(env)}
      hasColour={!env.NO_COLOR}
      hasKeys={stdin.isTTY === true}
      onInterval={changeInterval}
      onQuit={quit}
      onCopy={(text) => void process.stdout.write(clipboardSequence(text))}
    />
  )
  const changeInterval = (ms: number) => {
    feed.everyMs = ms
  }
  const first: Frame = {
    snapshot: source.current(),
    now: clock.now(),
    wall: clock.wall(),
    changes: pastChanges,
    histories: new Map(),
    routers: null,
    startedAt: clock.wall(),
  }
  const quit = () => instance.unmount()
  const feed = new Feed({
    source,
    clock,
    pastChanges,
    everyMs: initial.everyMs,
    show: (frame) => instance.rerender(view(frame)),
  })
  // The alternate screen restores the old contents of the terminal afterwards. `interactive`: Ink
  // draws nothing where CI is set.
  const instance = render(view(first), {
    alternateScreen: true,
    exitOnCtrlC: false,
    interactive: true,
    maxFps: 20,
    incrementalRendering: true,
  })
  const release = guardTerminal(quit, signal)
  feed.start()
  try {
    await instance.waitUntilExit()
  } finally {
    release()
    feed.stop()
    instance.unmount()
  }
}
