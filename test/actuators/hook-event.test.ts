import {expect, test} from 'vitest'
import {type HookEvent, hookEvents, hookVariables, isWanted} from '../../src/actuators/hook/event.ts'
import {replyOf, retryAfterMs, retryMs} from '../../src/actuators/hook/retry.ts'
import type {HookSettings} from '../../src/core/actuator-settings.ts'
import type {Change} from '../../src/core/snapshot.ts'
import {noon, primary, snapshot, unconfirmed} from '../support/snapshots.ts'

const verdict = (group: string, to: string): Change => ({
  kind: 'verdict',
  group,
  host: 'host1',
  from: null,
  to,
  rule: 'V4',
  why: 'w',
})
const told = (changes: readonly Change[], why = 'w'): readonly HookEvent[] =>
  hookEvents(
    {
      changes,
      snapshot: snapshot({
        hosts: {host1: primary(), host2: primary()},
        groups: {orders: ['host1'], stock: ['host2']},
        verdicts: {orders: {why}, stock: unconfirmed('host2')},
      }),
    },
    noon,
  )

test('each change of a verdict is an event with its own group; no other change is', () => {
  const role: Change = {...verdict('orders', 'standby'), kind: 'role', group: null}
  const events = told([
    role,
    verdict('orders', 'primary'),
    verdict('stock', 'unconfirmed'),
    verdict('gone', 'primary'),
    verdict('constructor', 'x'),
  ])
  expect(events.map(({change, group}) => [change.group, group.hosts, group.verdict.kind])).toEqual([
    ['orders', ['host1'], 'primary'],
    ['stock', ['host2'], 'unconfirmed'],
  ])
})

const [orders, stock] = told([verdict('orders', 'primary'), verdict('stock', 'unconfirmed')]) as [HookEvent, HookEvent]
test.each<[given: string, filter: Pick<HookSettings, 'on' | 'groups'>, wants: readonly boolean[]]>([
  ['no filter', {on: null, groups: null}, [true, true]],
  ['a verdict', {on: ['split-brain', 'unconfirmed'], groups: null}, [false, true]],
  ['a group', {on: null, groups: ['orders']}, [true, false]],
  ['both, which both must hold', {on: ['unconfirmed'], groups: ['orders']}, [false, false]],
  ['nothing', {on: [], groups: null}, [false, false]],
])('a hook that asks for %s', (_, filter, wants) => {
  expect([orders, stock].map((event) => isWanted(filter, event))).toEqual(wants)
})

test('a variable is one line and short enough for the kernel; PRIMARY is empty while no host is routed to', () => {
  const [odd] = told([verdict('orders', 'primary')], `a\0b\nc${'x'.repeat(200_000)}`) as [HookEvent]
  const {PGROUTE66_WHY = '', PGROUTE66_FROM} = hookVariables(odd)
  expect([PGROUTE66_WHY.slice(0, 5), PGROUTE66_WHY.length, PGROUTE66_FROM]).toEqual(['a b c', 4_096, ''])
  expect(hookVariables(orders).PGROUTE66_PRIMARY).toBe('host1')
  expect(hookVariables(stock)).toMatchObject({
    PGROUTE66_PRIMARY: '',
    PGROUTE66_VERDICT: 'unconfirmed',
    PGROUTE66_RULE: 'V3',
    PGROUTE66_SITUATION: 'not-confirmed',
  })
})

test('Retry-After: the hook waits as long as the receiver asks, up to a minute', () => {
  expect([null, 5_000, 100, 86_400_000].map((askedMs) => retryMs(500, askedMs))).toEqual([500, 5_000, 500, 60_000])
  const rows = [
    null,
    '40',
    '0',
    'Sat, 21 Nov 2026 12:00:30 GMT',
    'Sat, 21 Nov 2026 11:00:00 GMT',
    'soon',
    '-1 s',
    '99999999999',
  ]
  expect(rows.map((header) => retryAfterMs(header, noon.wall))).toEqual([null, 40_000, 0, 30_000, 0, null, null, null])
})

test.each([
  ['delivered', [200, 201, 204, 299]],
  ['later', [301, 302, 307, 408, 425, 429, 500, 503, 599]],
  ['refused', [400, 401, 403, 404, 410, 422, 499]],
])('%s: %j', (reply, codes) => {
  for (const code of codes) expect(replyOf(code), String(code)).toBe(reply)
})
