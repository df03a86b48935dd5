import {describe, expect, test} from 'vitest'
import {letsWait, planHold} from '../../src/actuators/haproxy/hold-plan.ts'
import {planHaproxy} from '../../src/actuators/haproxy/plan.ts'
import {heldStateOf} from '../../src/actuators/pgbouncer/hold-plan.ts'
import {nowhere} from '../../src/actuators/pgbouncer/include.ts'
import type {Hold} from '../../src/core/snapshot.ts'
import {primary, type SnapshotDraft, snapshot, standby} from '../support/snapshots.ts'
import {app, fileAt, host, led, none, observed, switched, testRows, used} from './pgbouncer-plan-rows.ts'

const hold: Hold = {id: 'h', group: 'all', from: 'host1', to: 'host2', since: 0, until: 1, by: 'jane'}
const during = (draft: SnapshotDraft): SnapshotDraft => ({...draft, hold})

describe('PgBouncer, while a planned switch is under way', () => {
  testRows([
    {given: 'the primary still leads: clients wait', when: observed(), seeing: during(led), so: ['pause app']},
    {
      given: 'PAUSE is off in the configuration: clients wait all the same',
      when: observed(),
      seeing: during(led),
      settings: {pauseMs: null},
      so: ['pause app'],
    },
    {
      given: 'paused for longer than pause: no RESUME before the end',
      when: observed({isPaused: true}, {heldMs: {app: 60_000}}),
      seeing: during(led),
      so: [],
    },
    {
      given: 'a transaction goes on: it is looked at again soon',
      when: observed({isPaused: true, inUse: [used(1)]}, {heldMs: {app: 10}}),
      seeing: during(led),
      so: [],
      againMs: 50,
    },
    {
      given: 'no primary any longer: the file leads nowhere, and PgBouncer is not told',
      when: observed({isPaused: true}, {heldMs: {app: 60_000}}),
      seeing: during(none),
      so: ['write'],
    },
    {
      given: 'no primary, and the file is written',
      when: observed({isPaused: true}, {heldMs: {app: 60_000}, include: fileAt(nowhere)}),
      seeing: during(none),
      so: [],
    },
    {
      given: 'the other host is primary: as in any switch',
      when: observed({isPaused: true}, {heldMs: {app: 900}}),
      seeing: during(switched),
      so: ['write', 'reload'],
    },
    {
      given: 'PgBouncer shows the other host: clients go on before the hold has ended',
      when: observed({at: host(2), isPaused: true}, {heldMs: {app: 900}}),
      seeing: during(switched),
      so: ['resume app'],
    },
    {
      given: 'the hold has ended, and the old primary still leads: everything is back',
      when: observed({isPaused: true}, {heldMs: {app: 900}}),
      seeing: led,
      settings: {pauseMs: null},
      so: ['resume app'],
    },
    {
      given: "the hold is another group's",
      when: observed(),
      seeing: {...led, groups: {all: ['host1', 'host2'], other: []}, hold: {...hold, group: 'other'}},
      settings: {databases: {app: {...app, group: 'all'}}},
      so: [],
    },
    {given: 'an operator has paused it', when: observed({isPaused: true}), seeing: during(led), so: []},
  ])

  const state = (special: Parameters<typeof observed>[0], more: Parameters<typeof observed>[1] = {}) =>
    heldStateOf({...observed(special, more), databases: {app}}, snapshot(during(led)))?.status
  test.each([
    ['held', {isPaused: true}, {}],
    ['waiting', {isPaused: false}, {}],
    ['waiting', {isPaused: true, inUse: [used(1)]}, {}],
    ['waiting', {isPaused: true}, {state: null}],
    ['impossible', {isPaused: true}, {shared: {address: 'a', isPortShared: true, folders: []}}],
  ] as const)('it is %s with %o', (status, special, more) => {
    expect(state(special, more)).toBe(status)
  })
  test('readers are not held', () => {
    const databases = {app: {...app, role: 'replica'}} as const
    expect(heldStateOf({...observed(), databases}, snapshot(during(led)))).toBeNull()
  })
})

describe('HAProxy, while a planned switch is under way', () => {
  const both = {hosts: {host1: primary(), host2: standby('host1')}}
  const moved = {hosts: {host1: standby('host2'), host2: primary()}}
  const plan = (
    draft: SnapshotDraft,
    special: Readonly<{limit?: number; kept?: number; sessions?: number; version?: string; adminState?: number}> = {},
  ) =>
    planHold({
      backends: {w: 'primary', r: 'replica'},
      frontends: {},
      kept: special.kept === undefined ? {} : {w: special.kept},
      observed: {
        version: special.version ?? '3.1.4',
        frontends: [
          {frontend: 'w', limit: special.limit ?? 2_000},
          {frontend: 'r', limit: 2_000},
        ],
        servers: ['host1', 'host2'].map((server, index) => ({
          backend: 'w',
          server,
          address: `10.0.0.${index + 1}`,
          port: 5432,
          name: null,
          adminState: special.adminState ?? index,
          sessions: index === 0 ? (special.sessions ?? 0) : 0,
        })),
      },
      snapshot: snapshot(draft),
    })

  test('new clients of writers wait, and readers go on', () => {
    expect(plan(during(both), {sessions: 2})).toMatchObject({
      holds: ['set maxconn frontend w 0'],
      releases: [],
      kept: {w: 2_000},
      held: {status: 'waiting'},
    })
  })
  test.each([
    ['held', {limit: 0, kept: 2_000}],
    ['waiting', {limit: 0, kept: 2_000, sessions: 1}],
  ] as const)('it is %s with %o', (status, special) => {
    expect(plan(during(both), special)).toMatchObject({holds: [], releases: [], held: {status}})
  })
  test.each([
    ['the other host is primary', during(moved)],
    ['the hold has ended', both],
  ])('%s: the limit is what it was', (_, draft) => {
    expect(plan(draft, {limit: 0, kept: 2_000})).toEqual({
      holds: [],
      releases: ['set maxconn frontend w 2000'],
      kept: {},
      held: null,
    })
  })
  test('HAProxy was reloaded meanwhile: it is held anew, and afterwards nothing is put back', () => {
    expect(plan(during(both), {limit: 500, kept: 2_000})).toMatchObject({
      holds: ['set maxconn frontend w 0'],
      kept: {w: 500},
    })
    expect(plan(both, {limit: 500, kept: 2_000})).toMatchObject({releases: [], kept: {}})
  })
  test("an operator's own limit of 0 is left alone", () => {
    expect(plan(both, {limit: 0})).toMatchObject({holds: [], releases: []})
  })
  test('a frontend with another name is found by the configuration, and asked for without it', () => {
    const servers = [
      {backend: 'w', server: 'host1', address: '10.0.0.1', port: 5432, name: null, adminState: 0, sessions: 0},
    ]
    const observed = {version: '3.1.4', servers, frontends: [{frontend: 'pg', limit: 10}]}
    const asked = {backends: {w: 'primary'}, observed, kept: {}, snapshot: snapshot(during(both))} as const
    expect(planHold({...asked, frontends: {pg: 'w'}}).holds).toEqual(['set maxconn frontend pg 0'])
    expect(planHold({...asked, frontends: {}}).held).toMatchObject({
      status: 'impossible',
      why: [expect.stringContaining('haproxy.frontends')],
    })
  })

  test('before 3.1 a limit that is raised again may abort HAProxy: the writer is stopped instead', () => {
    expect(['2.6.12-1+deb12u4', '3.0.9', ''].map(letsWait)).toEqual([false, false, false])
    expect(['3.1.0', '3.5-dev5-50872d-2', '4.0'].map(letsWait)).toEqual([true, true, true])
    expect(plan(during(both), {version: '2.6.12'})).toMatchObject({holds: [], held: {status: 'waiting'}})
    expect(plan(during(both), {version: '2.6.12', adminState: 1})).toMatchObject({
      held: {status: 'held', why: [expect.stringContaining('refuses new clients')]},
    })
  })
  test.each([
    [false, during(both), []],
    [true, during(both), ['stop host1']],
    [true, both, []],
    [true, during(moved), ['stop host1', 'cut host1', 'start host2']],
  ] as const)('the writer of a HAProxy that refuses (%s): %#', (refusesHeld, draft, so) => {
    const servers = [
      {backend: 'w', server: 'host1', address: '10.0.0.1', port: 5432, name: null, adminState: 0, sessions: 1},
      {backend: 'w', server: 'host2', address: '10.0.0.2', port: 5432, name: null, adminState: 1, sessions: 0},
    ]
    const desired = {backends: {w: 'primary'}, fallback: () => 'primary' as const, refusesHeld} as const
    const {steps} = planHaproxy(desired, servers, snapshot(draft))
    expect(steps.map(({kind, server}) => `${kind} ${server}`)).toEqual(so)
  })
})
