import {expect, test} from 'vitest'
import {noon, primary, type SnapshotDraft, standby, unavailable, unconfirmed} from '../support/snapshots.ts'
import {started} from './started.ts'

const draft: SnapshotDraft = {
  hosts: {
    host1: primary({probeMs: 4}),
    host2: standby('host1'),
    host3: unavailable(),
    host4: unavailable(null, {askedAt: null}),
  },
}
const viewOf = async (api: Awaited<ReturnType<typeof started>>, path = '/v1/view') =>
  JSON.parse((await api.ask(path)).body)

test('the view has the hosts of the group with their ages, and who looked', async () => {
  await using api = await started(
    draft,
    {},
    {clock: {now: () => noon.now, wall: () => noon.wall, after: () => () => {}}},
  )
  const common = {port: 5432, system_identifier: '7710428129421941699', timeline: 3, lsn: '0/3000148'}
  const silent = {...common, role: 'unavailable', timeline: null, lsn: null, answered_ms_ago: null, streams_from: null}
  expect(await viewOf(api, '/v1/view?group=all')).toEqual({
    schema: 1,
    epoch: '9f2c41',
    machine_id: 'b1946ac92492d2347c6235b4d2611184',
    group: 'all',
    hosts: {
      host1: {
        ...common,
        address: '10.0.0.1',
        role: 'primary',
        cause: null,
        asked_ms_ago: 12,
        answered_ms_ago: 8,
        streams_from: null,
      },
      host2: {
        ...common,
        address: '10.0.0.2',
        role: 'standby',
        cause: null,
        asked_ms_ago: 12,
        answered_ms_ago: 11.6,
        streams_from: 'host1',
      },
      host3: {...silent, address: '10.0.0.3', cause: 'refused', asked_ms_ago: 12},
      host4: {...silent, address: '10.0.0.4', cause: null, asked_ms_ago: null},
    },
  })
})

test('no verdict, evidence or order changes the view', async () => {
  const clock = {now: () => noon.now, wall: () => noon.wall, after: () => () => {}}
  await using api = await started(draft, {}, {clock})
  const before = await viewOf(api)
  api.source.set({...draft, verdict: unconfirmed('host1')})
  expect(await viewOf(api)).toEqual(before)
  api.source.set({
    ...draft,
    hosts: {...draft.hosts, host2: standby('host1', {drained: {since: 0, by: 'a', reason: null}})},
  })
  expect(await viewOf(api)).toEqual(before)
})

test('of several groups one must be named, and it must exist', async () => {
  await using api = await started({
    hosts: {a1: primary({groups: ['orders']}), b1: primary({groups: ['payments']})},
    groups: {orders: ['a1'], payments: ['b1']},
  })
  expect(Object.keys((await viewOf(api, '/v1/view?group=orders')).hosts)).toEqual(['a1'])
  const unnamed = await api.ask('/v1/view')
  expect([unnamed.status, JSON.parse(unnamed.body).next]).toEqual([400, 'Add ?group= with one of orders, payments.'])
  for (const name of ['x', 'constructor', '__proto__'])
    expect((await api.ask(`/v1/view?group=${name}`)).status, name).toBe(404)
})
