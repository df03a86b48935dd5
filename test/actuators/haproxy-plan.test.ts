import {describe, expect, test} from 'vitest'
import type {HaproxyServer} from '../../src/actuators/haproxy/match.ts'
import {type DesiredHaproxy, planHaproxy} from '../../src/actuators/haproxy/plan.ts'
import {drained, primary, type SnapshotDraft, snapshot, standby, unavailable} from '../support/snapshots.ts'

const desired: DesiredHaproxy = {backends: {w: 'primary', r: 'replica'}, fallback: () => 'primary'}
const led = (by: string): SnapshotDraft => ({
  hosts: Object.fromEntries(['host1', 'host2', 'host3'].map((host) => [host, host === by ? primary() : standby(by)])),
})
/** `'w/host1': [0, 3]`: up, with three sessions. */
const servers = (
  states: Readonly<Record<string, readonly [adminState: number, sessions: number]>>,
): readonly HaproxyServer[] =>
  Object.entries(states).map(([name, [adminState, sessions]]) => {
    const [backend = '', server = ''] = name.split('/')
    return {backend, server, address: '192.0.2.99', port: 1, name: null, adminState, sessions}
  })
const commands = (states: Parameters<typeof servers>[0], draft: SnapshotDraft, with_: DesiredHaproxy = desired) =>
  planHaproxy(with_, servers(states), snapshot(draft)).steps.map(
    ({kind, command}) => `${kind}: ${command.replace('set server ', '')}`,
  )

const asItWas = {'w/host1': [0, 3], 'w/host2': [1, 0], 'r/host1': [1, 0], 'r/host2': [0, 1], 'r/host3': [0, 0]} as const

describe('the commands for one HAProxy', () => {
  test('a HAProxy that is in step gets no command', () => expect(commands(asItWas, led('host1'))).toEqual([]))

  test('a switch: all stops, then the sessions of the deposed primary, then the starts', () =>
    expect(commands(asItWas, led('host2'))).toEqual([
      'stop: w/host1 state maint',
      'stop: r/host2 state maint',
      'cut: shutdown sessions server w/host1',
      'start: w/host2 state ready',
      'start: r/host1 state ready',
    ]))

  test('sessions left on a stopped server are cut once a successor is up', () =>
    expect(
      commands({'w/host1': [1, 3], 'w/host2': [0, 0]}, led('host2'), {...desired, backends: {w: 'primary'}}),
    ).toEqual(['cut: shutdown sessions server w/host1']))

  test.each([
    ['a primary that does not answer', {hosts: {host1: unavailable('timeout'), host2: standby('host1')}}],
    ['one that is drained', {hosts: {host1: primary({drained}), host2: standby('host1')}}],
    ['two primaries', {hosts: {host1: primary(), host2: primary()}}],
  ] satisfies readonly (readonly [string, SnapshotDraft])[])('%s: stopped, and no session is cut', (_, draft) => {
    const sent = commands({'w/host1': [0, 3], 'w/host2': [1, 0]}, draft, {...desired, backends: {w: 'primary'}})
    expect(sent).toEqual(['stop: w/host1 state maint'])
  })

  test('disabled in haproxy.cfg or drained by an operator: ready lifts both, and no other bit', () =>
    expect(commands({'w/host1': [5, 0], 'r/host2': [8, 0], 'r/host3': [4, 0]}, led('host1'))).toEqual([
      'start: w/host1 state ready',
      'start: r/host2 state ready',
    ]))

  test('servers of a group that is starting (V0) stay as they are', () =>
    expect(
      commands(asItWas, {...led('host2'), verdict: {kind: 'starting', rule: 'V0', primary: null, routedTo: null}}),
    ).toEqual([]))

  test('a host of a starting group is stopped beside the writer of its other group', () => {
    const starting = {kind: 'starting', rule: 'V0', primary: null, routedTo: null} as const
    const draft: SnapshotDraft = {
      ...led('host2'),
      groups: {a: ['host1', 'host2', 'host3'], b: ['host1']},
      verdicts: {b: starting},
    }
    const plan = planHaproxy(
      {...desired, backends: {w: 'primary'}},
      servers({'w/host1': [0, 3], 'w/host2': [1, 0]}),
      snapshot(draft),
    )
    expect(plan.steps.map(({kind, server}) => `${kind} ${server}`)).toEqual(['stop host1', 'cut host1', 'start host2'])
    expect(plan.deposed.map(({server}) => server)).toEqual(['host1'])
    const undecided: SnapshotDraft = {
      ...draft,
      verdicts: {a: {...starting, kind: 'no-primary', rule: 'V5'}, b: starting},
    }
    expect(
      planHaproxy({...desired, backends: {w: 'primary'}}, servers({'w/host1': [0, 3]}), snapshot(undecided)).steps,
    ).toEqual([])
  })

  test('a server matches a host by name, else by address and port; any other is left alone and is a problem', () => {
    const {host1} = snapshot(led('host1')).hosts
    const there = {
      backend: 'w',
      server: 'db-a',
      address: host1?.address ?? '',
      port: host1?.port ?? 0,
      name: null,
      adminState: 1,
      sessions: 0,
    }
    const strangers = ['constructor', '__proto__', 'stranger'].map((server) => ({
      ...there,
      server,
      address: '198.51.100.1',
    }))
    const {steps, problems} = planHaproxy(
      {...desired, backends: {w: 'primary'}},
      [there, ...strangers],
      snapshot(led('host1')),
    )
    expect(steps.map(({command}) => command)).toEqual(['set server w/db-a state ready'])
    expect(problems.map((problem) => problem.split(' ')[1])).toEqual(['w/constructor', 'w/__proto__', 'w/stranger'])
  })

  test('writers: a foreign server may be up: no second server is started, and a server that is up stays', () => {
    const states = {'w/host1': [1, 0], 'w/host2': [0, 0], 'w/spare': [0, 0]} as const
    const {steps, problems, isWhole} = planHaproxy(
      {...desired, backends: {w: 'primary'}},
      servers(states),
      snapshot(led('host1')),
    )
    expect(steps.map(({command}) => command)).toEqual(['set server w/host2 state maint'])
    expect([isWhole, problems.at(-1)]).toEqual([false, expect.stringContaining('no other server is started')])
    expect(
      commands({'w/host1': [0, 2], 'w/spare': [0, 0]}, led('host1'), {...desired, backends: {w: 'primary'}}),
    ).toEqual([])
    expect(
      commands({'w/host1': [1, 0], 'w/spare': [1, 0]}, led('host1'), {...desired, backends: {w: 'primary'}}),
    ).toEqual(['start: w/host1 state ready'])
  })

  test('the primaries of two groups in one backend: none is started', () => {
    const draft: SnapshotDraft = {
      hosts: {a1: primary(), b1: primary()},
      groups: {a: ['a1'], b: ['b1']},
    }
    const {steps, problems} = planHaproxy(
      {...desired, backends: {w: 'primary'}},
      servers({'w/a1': [1, 0], 'w/b1': [0, 0]}),
      snapshot(draft),
    )
    expect(steps.map(({command}) => command)).toEqual(['set server w/b1 state maint'])
    expect(problems.join()).toContain('one backend per group')
  })

  test('an unknown backend is a problem, and the other backends get their commands', () => {
    const {steps, problems} = planHaproxy(desired, servers({'w/host1': [1, 0]}), snapshot(led('host1')))
    expect([steps.length, problems]).toEqual([1, [expect.stringContaining('HAProxy has no backend "r"')]])
  })
})
