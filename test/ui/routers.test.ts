import {expect, test} from 'vitest'
import type {Router, RouterServer} from '../../src/core/router.ts'
import type {Snapshot} from '../../src/core/snapshot.ts'
import {Feed} from '../../src/ui/events/feed.ts'
import type {Frame} from '../../src/ui/frame.ts'
import {compose} from '../../src/ui/screen.ts'
import {initialState, type ScreenState} from '../../src/ui/screen-state.ts'
import {widthOf} from '../../src/ui/text/cells.ts'
import {textOf} from '../../src/ui/text/line.ts'
import {noon} from '../support/snapshots.ts'
import {VirtualClock} from '../support/virtual-clock.ts'
import {calm, frameOf, glyphs, Stage, torn} from './stage.ts'

const server = (backend: string, name: string, state: RouterServer['state'], sessions = 0): RouterServer => ({
  backend,
  role: backend === 'pg_write' ? 'primary' : 'replica',
  server: name,
  host: name,
  address: '10.0.0.1',
  port: 5432,
  state,
  sessions,
})
const routers: readonly Router[] = [
  {
    name: 'haproxy /run/haproxy/admin.sock',
    kind: 'haproxy',
    readAt: noon.wall - 90_000,
    servers: [
      server('pg_write', 'host1', 'up', 12),
      server('pg_write', 'host2', 'maint'),
      server('pg_read', 'host2', 'drain', 3),
    ],
  },
  {
    name: 'pgbouncer 127.0.0.1:6432',
    kind: 'pgbouncer',
    readAt: noon.wall,
    databases: [
      {
        ...{name: 'app', role: 'primary', group: null, leadsTo: {host: '10.0.0.1', port: 5432}, hosts: ['host1']},
        ...{paused: {by: 'pgroute66'}, isDisabled: false, connections: 4},
      },
    ],
  },
  {
    name: 'agent 127.0.0.1:8009',
    kind: 'agent',
    questions: [{client: '10.0.0.7', question: 'host1 primary', answer: 'ready up 100%', askedAt: noon.wall - 400}],
  },
  {name: 'hook page-me', kind: 'hook', waiting: 2, lost: 1, on: null},
]
const actuators: Snapshot['actuators'] = {
  'haproxy /run/haproxy/admin.sock': {
    ...{status: 'out-of-sync', since: noon.wall, verifiedAt: null},
    problems: ['/run/haproxy/admin.sock refuses connections (ECONNREFUSED): is HAProxy running?'],
  },
  'pgbouncer 127.0.0.1:6432': {status: 'in-sync', problems: [], since: noon.wall, verifiedAt: noon.wall},
}
const frame: Frame = {...frameOf({...calm(), actuators}), routers}
const textsOf = (columns: number, rows: number, state: Partial<ScreenState> = {}, shown = frame) =>
  compose(
    shown,
    {...initialState, ...state},
    {columns, rows},
    {glyphs, title: null, actions: [], outcome: null},
  ).lines.map((spans) => textOf(spans).trimEnd())

test('the pane below the table: servers with state and sessions, databases, questions, waiting events', () => {
  const lines = textsOf(140, 40)
  const at = lines.indexOf('haproxy /run/haproxy/admin.sock out-of-sync, read 1m30s ago')
  expect(lines.slice(at, at + 7)).toEqual([
    'haproxy /run/haproxy/admin.sock out-of-sync, read 1m30s ago',
    '  pg_write  primary   host1 up 12 · host2 maint',
    '  pg_read   replica   host2 drain 3',
    'pgbouncer 127.0.0.1:6432 in-sync',
    '  app  primary   → host1  paused by pgroute66, 4 connections',
    'agent 127.0.0.1:8009 answers  1 question from 1 address, the last 400ms ago',
    'hook page-me pending  2 events wait, 1 lost',
  ])
})

test('the view of the routers has the problems and the questions, wrapped; the pane is cut', () => {
  const lines = textsOf(60, 40, {view: 'routers'})
  expect(lines.join('\n')).toContain('is HAProxy running?')
  expect(lines).toContain('  10.0.0.7: host1 primary → ready up 100%, 400ms ago')
  for (const columns of [20, 60, 80, 140])
    for (const view of ['table', 'routers'] as const)
      for (const text of textsOf(columns, 24, {view})) expect(widthOf(text)).toBeLessThanOrEqual(columns)
  expect(textsOf(80, 22).filter((text) => text.endsWith('more lines: r'))).toHaveLength(1)
})

test('without a daemon the view says why it is empty', () => {
  const empty = (shown: Frame) => textsOf(80, 24, {view: 'routers'}, shown).join('\n')
  expect(empty(frameOf(calm()))).toContain('asks the hosts itself')
  expect(empty({...frame, routers: []})).toContain('the daemon has no routers')
})

test('the routers are asked at the start, every two seconds, and at once after a change of the verdict', async () => {
  const clock = new VirtualClock()
  const asked: number[] = []
  const frames: Frame[] = []
  let isBroken = false
  const stage = Object.assign(new Stage(calm()), {
    async routers() {
      asked.push(clock.now())
      if (isBroken) throw new Error('the daemon answered 404')
      return routers
    },
  })
  const begun = clock.now()
  const feed = new Feed({source: stage, clock, everyMs: 60_000, show: (shown) => frames.push(shown)})
  feed.start()
  await clock.run(4_500)
  expect(asked.map((at) => at - begun)).toEqual([0, 2_000, 4_000])
  expect(frames.at(-1)?.routers).toEqual(routers)
  stage.publish(torn())
  await clock.run(100)
  expect(asked.length).toBe(4)
  isBroken = true
  await clock.run(2_500)
  expect(frames.at(-1)?.routers).toEqual(routers)
  feed.stop()
  const last = asked.length
  await clock.run(10_000)
  expect(asked.length).toBe(last)
})
