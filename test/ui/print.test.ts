import {expect, test} from 'vitest'
import {printChanges, printOnce} from '../../src/ui/events/print.ts'
import {noon, primary, snapshot, standby, unasked} from '../support/snapshots.ts'
import {VirtualClock} from '../support/virtual-clock.ts'
import {calm, glyphs, Stage, torn} from './stage.ts'

function printing(stage: Stage, given: {json?: boolean; group?: string | null} = {}) {
  const [lines, stop] = [[] as string[], new AbortController()]
  const clock = new VirtualClock()
  return {
    lines,
    stop,
    options: {source: stage, clock, write: (line: string) => void lines.push(line), signal: stop.signal, ...given},
  }
}
const since = new Date(noon.wall - 60_000).toISOString()

test('without a terminal: the current state, then one line per change, until the signal aborts', async () => {
  const stage = new Stage(calm())
  const {lines, stop, options} = printing(stage)
  const ended = printChanges(options)
  const time = new Date(options.clock.wall()).toISOString()
  expect(lines).toEqual([
    `${time} all PRIMARY host1 (V4) since ${since}: host1 is the only primary`,
    `${time} host1 primary since ${since}`,
    `${time} host2 standby since ${since}`,
    `${time} host3 standby since ${since}`,
  ])
  stage.sample(calm())
  stage.publish(torn())
  expect(lines.slice(4)).toEqual([
    `${time} host2 standby -> primary: answers as primary`,
    `${time} host3 standby -> unavailable: refused: seen: refused`,
    `${time} all primary -> split-brain (V1 two-primaries): ${torn().groups.all?.verdict.why}`,
  ])
  stop.abort()
  await ended
  expect(stage.listening).toBe(0)
})

test('JSON: one document per publication, each with the whole snapshot', () => {
  const stage = new Stage(calm())
  const {lines, options} = printing(stage, {json: true})
  void printChanges(options)
  stage.publish(torn())
  const documents = lines.map((line) => JSON.parse(line))
  expect(documents.map(({changes}) => changes.length)).toEqual([0, 3])
  expect(documents[1]).toMatchObject({
    sequence: 418,
    snapshot: {schema: 1, groups: {all: {verdict: {kind: 'split-brain'}}}},
  })
})

test('one group: only its own changes are printed', () => {
  const groups = {orders: ['host1'], billing: ['host2']}
  const stage = new Stage(snapshot({hosts: {host1: primary(), host2: primary()}, groups}))
  const {lines, options} = printing(stage, {group: 'orders'})
  void printChanges(options)
  stage.publish(snapshot({hosts: {host1: primary(), host2: standby()}, groups}))
  expect(lines.join('\n')).not.toMatch(/host2|billing/)
  expect(lines).toHaveLength(2)
})

test('once: waits until every host was probed, then prints the verdict and every column', async () => {
  const stage = new Stage(snapshot({hosts: {host1: unasked()}}))
  const {lines, options} = printing(stage)
  const done = printOnce({...options, width: 10_000, glyphs})
  expect(lines).toEqual([])
  stage.publish(calm())
  await done
  expect(lines.map((text) => text.split(/ {2,}/)[0])).toEqual(
    ['● PRIMARY host1 · V4 · for 0s', '', '', 'HOST', 'host1', 'host2', 'host3'].map((text, index) =>
      index === 0 ? lines[0] : text,
    ),
  )
  expect(lines[3]).toMatch(/LSN .*LAG .*UPSTREAM .*BACKENDS .*PROBE/)
  expect(stage.listening).toBe(0)
})

test('once: two primaries are printed only after both answered again', async () => {
  const asked = {kind: 'unconfirmed', rule: 'V3', primary: null, routedTo: null} as const
  const stage = new Stage(snapshot({hosts: {host1: primary(), host2: primary()}, verdict: asked}))
  const {lines, options} = printing(stage)
  const done = printOnce({...options, width: 80, glyphs})
  await new Promise(setImmediate)
  expect(lines).toEqual([])
  stage.publish(snapshot({hosts: {host1: primary(), host2: primary()}}))
  await done
  expect(lines[0]).toMatch(/SPLIT BRAIN host1, host2/)
})

test('once: maintenance and the actuators are printed below the hosts', async () => {
  const target = {problems: ['no answer'], since: noon.wall, verifiedAt: null}
  const actuators = {
    'haproxy a': {...target, status: 'out-of-sync' as const},
    'agent b': {...target, status: 'in-sync' as const, problems: []},
  }
  const maintenance = {since: noon.wall, by: 'anna', reason: 'disks', until: null}
  const {lines, options} = printing(new Stage({...calm(), actuators, maintenance}))
  await printOnce({...options, width: 10_000, glyphs})
  expect(lines.slice(-4)).toEqual([
    '',
    expect.stringMatching(/^ MAINTENANCE by anna .*: disks · actuators are frozen$/),
    'haproxy a is out of sync: no answer',
    'agent b in-sync',
  ])
})

test('once: an abort before the first round prints the verdict starting', async () => {
  const stage = new Stage(snapshot({hosts: {host1: unasked()}}))
  const {lines, stop, options} = printing(stage, {json: true})
  const done = printOnce({...options, width: 80, glyphs})
  stop.abort()
  await done
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    schema: 1,
    ready: false,
    groups: {all: {verdict: {kind: 'starting'}}},
  })
  expect(lines).toHaveLength(1)
})
