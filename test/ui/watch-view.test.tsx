import {cleanup, render} from 'ink-testing-library'
import {afterEach, expect, test, vi} from 'vitest'
import type {Action} from '../../src/ui/action.ts'
import {initialState} from '../../src/ui/screen-state.ts'
import {WatchView, type WatchViewProps} from '../../src/ui/watch-view.tsx'
import {calm, frameOf, glyphs, torn} from './stage.ts'

afterEach(cleanup)

function shown(over: Partial<WatchViewProps> = {}) {
  const [onInterval, onQuit, onCopy] = [vi.fn(), vi.fn(), vi.fn()]
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
    onCopy,
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
  return {...screen, text, type, onInterval, onQuit, onCopy, props}
}

/** Ink draws when the machine gets to it, so every look at the screen is repeated until it holds. */
const shows = (look: () => void) => vi.waitFor(look, {timeout: 30_000, interval: 5})

test('keys move the selection and open views; several keys at once all count', async () => {
  const {text, type} = shown()
  await shows(() => expect(text()).toMatch(/▸ host1/))
  await type('jj')
  await shows(() => expect(text()).toMatch(/▸ host3/))
  await type('\u001b[A')
  await shows(() => expect(text()).toMatch(/▸ host2/))
  await type('\r')
  await shows(() => expect(text()).toContain('system identifier'))
  await type('\u001b')
  await shows(() => expect(text()).toMatch(/▸ host2/))
})

test('while typing a filter, q and k are text', async () => {
  const {text, type, onQuit} = shown()
  await type('/', 'q', 'k')
  await shows(() => expect(text()).toContain('/qk_'))
  await type('\u007f', '\u007f', 'host3', '\r')
  expect(onQuit).not.toHaveBeenCalled()
  await shows(() => expect(text()).toMatch(/▸ host3/))
  expect(text()).not.toMatch(/host2 /)
})

test.each([['q'], ['\u0003']])('%j quits', async (key) => {
  const {type, onQuit} = shown()
  await type(key)
  await shows(() => expect(onQuit).toHaveBeenCalledOnce())
})

test('Ctrl-C quits while typing a filter', async () => {
  const {type, onQuit} = shown()
  await type('/', 'q', '\u0003')
  await shows(() => expect(onQuit).toHaveBeenCalledOnce())
})

test('an action that asks first runs only after y', async () => {
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
  await shows(() => expect(text()).toContain('take host2 out of rotation? y: yes, any other key: no'))
  await type('q', '+')
  await shows(() => expect(text()).not.toContain('out of rotation'))
  expect([done, onQuit.mock.calls]).toEqual([[], []])
  await type('dy')
  await shows(() => expect(done).toEqual(['host2']))
  await shows(() => expect(text()).toContain('drain/resume host2: host2 is drained'))
})

test('the end of an order takes back a question that it covers: y then copies', async () => {
  const done: string[] = []
  const {promise: answered, resolve: answer} = Promise.withResolvers<string>()
  const action: Action = {
    key: 'd',
    label: 'drain/resume',
    question: (host) => ({
      text: `take ${host} out of rotation?`,
      run() {
        done.push(host)
        return answered
      },
    }),
  }
  const {text, type, onCopy} = shown({actions: [action]})
  await type('dy')
  await shows(() => expect(done).toEqual(['host1']))
  await type('jd')
  await shows(() => expect(text()).toContain('take host2 out of rotation?'))
  answer('host1 is drained')
  await shows(() => expect(text()).toContain('drain/resume host1: host1 is drained'))
  await type('y')
  await shows(() => expect(onCopy).toHaveBeenCalledOnce())
  expect(done).toEqual(['host1'])
})

test('a new interval is passed on', async () => {
  const {type, onInterval} = shown()
  await type('+')
  await shows(() => expect(onInterval).toHaveBeenLastCalledWith(500))
})

test('an action runs on the selected host, and the screen shows its outcome', async () => {
  const run = vi.fn(async (host: string) => `ended 5 processes of ${host}`)
  const failing: Action = {key: 'H', label: 'hang', run: () => Promise.reject(new Error('no such process'))}
  const {text, type} = shown({actions: [{key: 'K', label: 'kill', run}, failing]})
  await type('j', 'K')
  await shows(() => expect(run).toHaveBeenCalledExactlyOnceWith('host2'))
  await shows(() => expect(text()).toContain('kill host2: ended 5 processes of host2'))
  await type('H')
  await shows(() => expect(text()).toContain('hang host2 failed: no such process'))
})

test('paused: the table keeps its frame, the verdict follows the new one', async () => {
  const {text, type, rerender, props} = shown()
  await type(' ')
  rerender(<WatchView {...props} frame={frameOf(torn())} />)
  await shows(() => expect(text()).toContain('SPLIT BRAIN'))
  await shows(() => expect(text()).toContain('host3  ○ standby'))
  await type(' ')
  await shows(() => expect(text()).toContain('host3  ✗ unavailable'))
})

test('without keys the screen is still drawn', () => {
  expect(shown({hasKeys: false}).text()).toContain('PRIMARY host1')
})
