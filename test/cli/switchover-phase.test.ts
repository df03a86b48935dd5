import {expect, test} from 'vitest'
import {lookAt} from '../../src/app/switchover/look.ts'
import {nextStep, type Phase, rows, type Seen} from '../../src/app/switchover/phase.ts'

const calm: Seen = {
  hold: 'open',
  tool: 'waiting',
  route: 'from',
  isInStep: false,
  isInterrupted: false,
  isDrainOver: false,
  isDeadlineOver: false,
  isGraceOver: false,
  mayCut: false,
}
const running: Partial<Seen> = {hold: 'held', tool: 'running'}

/** Keyed by row: the table is whole only with an entry for each. `null`: nothing changes. */
const table: readonly (readonly [id: string | null, phase: Phase, given: string, seen: Partial<Seen>])[] = [
  ['W1', 'holding', 'Ctrl-C, although all clients wait', {hold: 'held', isInterrupted: true}],
  ['W2', 'holding', 'the daemon restarted', {hold: 'ended'}],
  ['W3', 'holding', 'the primary died before the order', {hold: 'held', route: 'none'}],
  ['W3', 'holding', 'another host took over before the order', {hold: 'held', route: 'other'}],
  ['W4', 'holding', 'two processes behind one address', {hold: 'impossible', isDrainOver: true, mayCut: true}],
  ['W5', 'holding', 'all clients wait', {hold: 'held'}],
  ['W6', 'holding', 'open sessions that may be cut', {isDrainOver: true, mayCut: true}],
  ['W7', 'holding', 'open transactions that may not be cut', {isDrainOver: true}],
  ['W7', 'holding', 'a silent daemon, with cuts allowed', {hold: 'silent', isDrainOver: true, mayCut: true}],
  [null, 'holding', 'transactions still have time', {mayCut: true}],
  [null, 'holding', 'a silent daemon is asked again', {hold: 'silent'}],
  ['W8', 'ordered', 'another host is routed to', {...running, route: 'other'}],
  ['W8', 'ordered', 'confirmed in the moment of the deadline', {...running, route: 'other', isDeadlineOver: true}],
  ['W8', 'ordered', 'confirmed, and the hold has ended', {...running, hold: 'ended', route: 'other'}],
  ['W9', 'ordered', 'Ctrl-C', {...running, route: 'none', isInterrupted: true}],
  ['W10', 'ordered', 'the daemon restarted', {...running, hold: 'ended'}],
  ['W11', 'ordered', 'the tool failed and changed nothing', {hold: 'held', tool: 'failed'}],
  [
    null,
    'ordered',
    'the tool failed, and there is no primary: the HA tool may still act',
    {tool: 'failed', route: 'none'},
  ],
  [null, 'ordered', 'the tool failed, and the daemon is silent', {hold: 'silent', tool: 'failed'}],
  [null, 'ordered', 'the tool is done, and the verdict is late', {hold: 'held', tool: 'done'}],
  ['W12', 'ordered', 'a tool that hangs', {...running, isDeadlineOver: true}],
  ['W12', 'ordered', 'a tool that is done without effect', {hold: 'held', tool: 'done', isDeadlineOver: true}],
  ['W12', 'ordered', 'a silent daemon', {...running, hold: 'silent', isDeadlineOver: true}],
  [null, 'ordered', 'a daemon that is silent for a moment', {...running, hold: 'silent', route: 'other'}],
  ['W13', 'resuming', 'every router follows', {hold: 'ended', isInStep: true}],
  [null, 'resuming', 'a router is behind', {hold: 'held'}],
  ['W14', 'resuming', 'a router is behind at the deadline', {hold: 'held', isDeadlineOver: true}],
  ['W15', 'returning', 'every router follows', {hold: 'ended', tool: 'failed', isInStep: true}],
  [
    null,
    'returning',
    'every router follows, and the tool still works',
    {hold: 'ended', tool: 'running', isInStep: true},
  ],
  ['W16', 'returning', 'the tool still works at the deadline', {hold: 'ended', tool: 'running', isDeadlineOver: true}],
  ['W17', 'returning', 'no daemon at the deadline', {hold: 'silent', tool: 'done', isDeadlineOver: true}],
  [null, 'returning', 'no daemon yet', {hold: 'silent', tool: 'done', isInStep: true}],
  [
    'W18',
    'returning',
    'a router that does not answer',
    {hold: 'ended', tool: 'done', isDeadlineOver: true, isGraceOver: true},
  ],
  [null, 'done', 'an end', {...running, isDeadlineOver: true, isGraceOver: true, isInterrupted: true}],
  [null, 'back', 'an end', {...running, isDeadlineOver: true, isGraceOver: true, isInterrupted: true}],
]

test.each(table)('%s: %s, given %s', (id, phase, _, seen) => {
  expect(nextStep(phase, {...calm, ...seen})?.id ?? null).toBe(id)
})

test('each row of the table has an entry, and each id is one row', () => {
  const ids = rows.map((row) => row.id)
  expect([...new Set(table.flatMap(([id]) => id ?? []))]).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
})

test('whatever is seen: nothing is ordered without a hold, and every way out of it ends the hold', () => {
  const words = {
    hold: ['held', 'open', 'impossible', 'ended', 'silent'],
    tool: ['waiting', 'running', 'done', 'failed'],
    route: ['from', 'none', 'other'],
  } as const
  const flags = ['isInStep', 'isInterrupted', 'isDrainOver', 'isDeadlineOver', 'isGraceOver', 'mayCut'] as const
  let seen = 0
  for (const hold of words.hold)
    for (const tool of words.tool)
      for (const route of words.route)
        for (let bits = 0; bits < 2 ** flags.length; bits += 1) {
          const set = Object.fromEntries(flags.map((flag, index) => [flag, (bits & (2 ** index)) !== 0]))
          const all = {...calm, hold, tool, route, ...set} as Seen
          for (const phase of ['holding', 'ordered', 'resuming', 'returning'] as const) {
            const step = nextStep(phase, all)
            seen += 1
            if (step?.act === 'order') {
              expect([phase, all.route]).toEqual(['holding', 'from'])
              expect(hold === 'held' || (hold === 'open' && all.mayCut && all.isDrainOver)).toBe(true)
              expect(all.isInterrupted).toBe(false)
            }
            if (step?.phase === 'returning' && phase !== 'returning') expect(step.act).toMatch(/release|stop/)
            if (step?.phase === 'done') expect([phase, step.act, all.isInStep]).toEqual(['resuming', 'release', true])
            // Past the deadline no phase stays as it is, but for the grace of the last one.
            if (all.isDeadlineOver && all.isDrainOver && (phase !== 'returning' || all.isGraceOver))
              expect([phase, all, step === null]).toEqual([phase, all, false])
          }
        }
  expect(seen).toBe(5 * 4 * 3 * 64 * 4)
})

test('a router that was not reached is named where the hold does not come about', () => {
  const hold = {id: '1', group: 'all', from: 'a', to: 'b', since: '', until: '', by: 'anna'}
  const actuators = {
    'haproxy /h': {status: 'in-sync', problems: [], held: {id: '1', status: 'held' as const, why: []}},
    'pgbouncer /p': {status: 'in-sync', problems: [], held: null},
  }
  const before = lookAt(null, 'a', {hold: 'open', route: 'from', isInStep: false, routedTo: 'a', why: '', open: []})
  const looked = lookAt({hold, maintenance: false, verdict: null, actuators}, 'a', before)
  expect([looked.hold, looked.open]).toEqual(['open', ['pgbouncer /p: it was not reached since the hold began']])
  expect(lookAt({hold: null, maintenance: false, verdict: null, actuators}, 'a', before).open).toEqual([])
})
