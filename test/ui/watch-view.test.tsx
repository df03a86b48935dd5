import {cleanup, render} from 'ink-testing-library'
import {afterEach, expect, test, vi} from 'vitest'
import type {Action} from '../../src/ui/action.ts'
import {initialState} from '../../src/ui/screen-state.ts'
import {WatchView, type WatchViewProps} from '../../src/ui/watch-view.tsx'
import {calm, frameOf, glyphs, torn} from './stage.ts'

afterEach(cleanup)

function shown(over: Partial<WatchViewProps> = {}) {
  const [onInterval, onQuit] = [vi.fn(), vi.fn()]
  const props: WatchViewProps = {
    frame: frameOf(calm()),
    initial: initialState,
    actions: [],
    title: null,
    glyphs,
    hasColour: true,
    hasKeys: true,
    onInterval,
    onQuit,
    ...over,
  }
  const screen = render(<WatchView {...props} />)
  const text = () => screen.lastFrame() ?? ''
  // Keys are listened to from an effect on, which runs after the first drawing.
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20))
  const type = async (...keys: string[]) => {
    await settled()
    for (const key of keys) {
      screen.stdin.write(key)
      await settled()
    }
  }
  return {...screen, text, type, onInterval, onQuit, props}
}

test('keys move the selection, open what they say, and several at once are not lost', async () => {
  const {text, type} = shown()
  expect(text()).toMatch(/▸ host1/)
  await type('jj')
  expect(text()).toMatch(/▸ host3/)
  await type('\u001b[A')
  expect(text()).toMatch(/▸ host2/)
  await type('\r')
  expect(text()).toContain('system identifier')
  await type('\u001b')
  expect(text()).toMatch(/▸ host2/)
})

test('a filter takes the keys that otherwise mean something', async () => {
  const {text, type, onQuit} = shown()
  await type('/', 'q', 'k')
  expect(text()).toContain('/qk_')
  await type('\u007f', '\u007f', 'host3', '\r')
  expect(onQuit).not.toHaveBeenCalled()
  expect(text()).toMatch(/▸ host3/)
  expect(text()).not.toMatch(/host2 /)
})

test.each([['q'], ['\u0003']])('%j quits', async (key) => {
  const {type, onQuit} = shown()
  await type(key)
  expect(onQuit).toHaveBeenCalledOnce()
})

test('Ctrl-C quits also out of a filter', async () => {
  const {type, onQuit} = shown()
  await type('/', 'q', '\u0003')
  expect(onQuit).toHaveBeenCalledOnce()
})

test('what asks first is done by y alone', async () => {
  const done: string[] = []
  const action: Action = {
    key: 'd',
    label: 'drain/resume',
    question: (host) => ({
      text: `take ${host} out of rotation?`,
      async run() {
        done.push(host)
        return `${host} is drained`
      },
    }),
  }
  const {text, type, onQuit} = shown({actions: [action]})
  await type('jd')
  expect(text()).toContain('take host2 out of rotation? y: yes, any other key: no')
  await type('q', 'y')
  expect(text()).not.toContain('out of rotation')
  expect([done, onQuit.mock.calls]).toEqual([[], []])
  await type('dy')
  expect(done).toEqual(['host2'])
  expect(text()).toContain('drain/resume host2: host2 is drained')
})

test('another tempo is passed on', async () => {
  const {type, onInterval} = shown()
  await type('+')
  expect(onInterval).toHaveBeenLastCalledWith(500)
})

test('an action acts on the selected host, and says what came of it', async () => {
  const run = vi.fn(async (host: string) => `ended 5 processes of ${host}`)
  const failing: Action = {key: 'H', label: 'hang', run: () => Promise.reject(new Error('no such process'))}
  const {text, type} = shown({actions: [{key: 'K', label: 'kill', run}, failing]})
  await type('j', 'K')
  expect(run).toHaveBeenCalledExactlyOnceWith('host2')
  expect(text()).toContain('kill host2: ended 5 processes of host2')
  await type('H')
  expect(text()).toContain('hang host2 failed: no such process')
})

test('a new frame is drawn, unless the table is held; the verdict is drawn in any case', async () => {
  const {text, type, rerender, props} = shown()
  await type(' ')
  rerender(<WatchView {...props} frame={frameOf(torn())} />)
  expect(text()).toContain('SPLIT BRAIN')
  expect(text()).toContain('host3  ○ standby')
  await type(' ')
  expect(text()).toContain('host3  ✗ unavailable')
})

test('without keys it still shows', () => {
  expect(shown({hasKeys: false}).text()).toContain('PRIMARY host1')
})
