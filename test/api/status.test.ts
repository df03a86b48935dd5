import {expect, test} from 'vitest'
import type {Config} from '../../src/config/config.ts'
import {
  available,
  drained,
  primary,
  type SnapshotDraft,
  snapshot,
  standby,
  unasked,
  unavailable,
  unconfirmed,
  unreachable,
} from '../support/snapshots.ts'
import {started} from './started.ts'

const healthy: SnapshotDraft = {hosts: {host1: primary(), host3: standby(), host2: standby(), host4: unavailable()}}
const split: SnapshotDraft = {hosts: {host1: primary(), host2: primary()}}
const headless: SnapshotDraft = {hosts: {host1: standby(), host2: unavailable()}}
const doubted: SnapshotDraft = {...healthy, verdict: unconfirmed('host1')}
const starting: SnapshotDraft = {hosts: {host1: primary(), host2: unasked()}}
const out: SnapshotDraft = {hosts: {host1: primary({drained}), host2: standby('host1', {drained}), host3: standby()}}
const sustained: SnapshotDraft = {
  hosts: {host1: unavailable('refused'), host2: standby()},
  verdict: unreachable('host1'),
}
const two: SnapshotDraft = {
  hosts: {a1: primary(), a2: standby('a1'), b1: standby('b2'), b2: unavailable()},
  groups: {orders: ['a1', 'a2'], payments: ['b1', 'b2']},
}
const beating: SnapshotDraft = {
  hosts: {
    host1: primary({availability: available(0)}),
    host2: standby('host1', {availability: available(12_000)}),
    host3: unavailable('refused', {availability: {kind: 'unknown', why: 'host3 is unavailable (refused)', askedAt: 0}}),
    host4: standby('host1', {
      availability: {kind: 'unknown', why: 'relation "public.pgr66_avc" does not exist', askedAt: 0},
    }),
    host5: standby('host1', {availability: available(0, 11_000)}),
  },
}
type Row = readonly [given: string, draft: SnapshotDraft, path: string, status: number, body: string | RegExp]

/** Every row of DESIGN section 7. */
const documented: readonly Row[] = [
  ['one primary', healthy, '/v1/primary', 200, '["host1"]'],
  ['no primary', headless, '/v1/primary', 404, '[]'],
  ['two primaries', split, '/v1/primary', 409, '[]'],
  ['several groups', two, '/v1/primary', 409, '[]'],
  ['several groups', two, '/v1/primary?group=orders', 200, '["a1"]'],
  ['several groups', two, '/v1/primary?group=payments', 404, '[]'],
  ['several groups', two, '/v1/primary?group=', 409, '[]'],
  ['an unknown group', healthy, '/v1/primary?group=orders', 404, '[]'],
  ['a group by the name of a method', healthy, '/v1/primary?group=constructor', 404, '[]'],
  ['a missing confirmation', doubted, '/v1/primary', 503, '[]'],
  ['a start', starting, '/v1/primary', 503, '[]'],
  ['a drained primary', out, '/v1/primary', 503, '[]'],
  ['a split brain that is followed', {...split, verdict: {routedTo: 'host2'}}, '/v1/primary', 200, '["host2"]'],
  ['a group given twice', healthy, '/v1/primary?group=all&group=b', 400, /QUERY_TWICE/],
  ['a primary out of reach, but followed', sustained, '/v1/primary', 200, '["host1"]'],
  ['a primary out of reach, but followed', sustained, '/v1/primaries', 200, '[]'],
  ['a primary out of reach, but followed', sustained, '/v1/node/host1', 503, '["unavailable"]'],
  ['a primary out of reach, but followed', sustained, '/v1/hosts/host1/primary', 200, /"unavailable"/],
  ['a primary out of reach, but followed', sustained, '/v1/hosts/host2/replica', 200, /"standby"/],
  ['one primary', healthy, '/v1/primaries', 200, '["host1"]'],
  ['two primaries', split, '/v1/primaries', 200, '["host1","host2"]'],
  ['no primary', headless, '/v1/primaries', 200, '[]'],
  ['an unknown group', healthy, '/v1/primaries?group=x', 404, '[]'],
  ['standbys', healthy, '/v1/standbys', 200, '["host2","host3"]'],
  ['standbys of a group', two, '/v1/standbys?group=payments', 200, '["b1"]'],
  ['a drained standby', out, '/v1/standbys', 200, '["host3"]'],
  ['a primary', healthy, '/v1/node/host1', 200, '["primary"]'],
  ['a standby', healthy, '/v1/node/host2', 200, '["standby"]'],
  ['an unavailable host', healthy, '/v1/node/host4', 503, '["unavailable"]'],
  ['no such host', healthy, '/v1/node/host9', 404, '[]'],
  ['no such host', healthy, '/v1/node/constructor', 404, '[]'],
  ['a primary', healthy, '/v1/host1/status', 200, '"primary"'],
  ['a standby', healthy, '/v1/host2/status', 200, '"standby"'],
  ['an unavailable host', healthy, '/v1/host4/status', 422, '"unavailable"'],
  ['no such host', healthy, '/v1/host9/status', 404, '"invalid"'],
  ['a heartbeat', beating, '/v1/host1/availability', 200, '"ok"'],
  ['an old heartbeat', beating, '/v1/host2/availability', 408, /^"exceeded \(12\.\d+s > 10s\)"$/],
  ['an old heartbeat within a higher limit', beating, '/v1/host2/availability?limit=13', 200, '"ok"'],
  ['a heartbeat, and none', beating, '/v1/host1/availability?limit=0.001', 408, /exceeded/],
  ['a heartbeat that was last read long ago', beating, '/v1/host5/availability', 408, /exceeded/],
  ['an unavailable host', beating, '/v1/host3/availability', 417, '"host3 is unavailable (refused)"'],
  ['no table', beating, '/v1/host4/availability', 417, '"relation \\"public.pgr66_avc\\" does not exist"'],
  ['no heartbeats at all', healthy, '/v1/host1/availability', 417, '"availability is not configured"'],
  ['no such host', beating, '/v1/host9/availability', 404, '"invalid"'],
  ['an invalid limit', beating, '/v1/host1/availability?limit=5s', 400, /QUERY_LIMIT/],
  ['anything', healthy, '/livez', 200, /alive/],
  ['all asked', healthy, '/readyz', 200, /"ready":true/],
  ['a start', starting, '/readyz', 503, /"state":"starting"/],
  ['no such group', healthy, '/v1/groups/x', 404, /UNKNOWN_GROUP/],
  ['no such host', healthy, '/v1/hosts/toString', 404, /UNKNOWN_HOST/],
  ['changes of before', healthy, '/v1/changes', 200, '{"changes":[]}'],
  ['no such path', healthy, '/v2/primary', 404, /NOT_FOUND/],
  ['a page for people', healthy, '/', 200, /<!doctype html>/i],
  ['GET on an order', healthy, '/v1/hosts/host1/drain', 405, /Use POST/],
  ['an unknown health check', healthy, '/v1/hosts/host1/drian', 404, /UNKNOWN_PREDICATE/],
]

const released: readonly Row[] = [
  ['one primary', healthy, '/v1/primary', 200, '"host1"'],
  ['no primary', headless, '/v1/primary', 404, '""'],
  ['two primaries', split, '/v1/primary', 409, '""'],
  ['a missing confirmation', doubted, '/v1/primary', 503, '""'],
  ['several groups: over all hosts', two, '/v1/primary', 200, '"a1"'],
  ['several groups, one doubted', {...two, verdicts: {orders: unconfirmed('a1')}}, '/v1/primary', 503, '""'],
  ['several groups, two primaries', {...two, hosts: {...two.hosts, b2: primary()}}, '/v1/primary', 409, '""'],
  ['no such group', healthy, '/v1/primary?group=x', 404, '""'],
  ['standbys', healthy, '/v1/standbys', 200, '[\n    "host2",\n    "host3"\n]'],
  ['one', healthy, '/v1/primaries', 200, '[\n    "host1"\n]'],
  ['none', headless, '/v1/primaries', 200, 'null'],
  ['a primary', healthy, '/v1/host1/status', 200, '"primary"'],
]

const formats: readonly (readonly [Config['v1Format'], readonly Row[]])[] = [
  ['documented', documented],
  ['released', released],
]
for (const [v1Format, rows] of formats)
  for (const [given, draft, path, status, body] of rows)
    test(`${v1Format}: ${path} is ${status}, given ${given}`, async () => {
      await using api = await started(draft, {v1Format})
      const answer = await api.ask(path)
      expect(answer.status).toBe(status)
      if (typeof body === 'string') {
        expect(answer.body).toBe(body)
        expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
      } else expect(answer.body).toMatch(body)
      expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.body)))
    })

test('several groups and a request for none: the answer has a hint', async () => {
  await using api = await started(two)
  const {headers} = await api.ask('/v1/primary')
  expect(headers['x-pgroute66-hint']).toBe('several groups: add ?group= with one of orders, payments')
})

test('HEAD and OPTIONS answer like GET', async () => {
  await using api = await started(split)
  for (const path of [
    '/v1/primary',
    '/v1/node/host1',
    '/readyz',
    '/v1/hosts/host1/primary',
    '/v1/check?server=host1',
  ]) {
    const get = await api.ask(path)
    const head = await api.ask(path, {method: 'HEAD'})
    const options = await api.ask(path, {method: 'OPTIONS'})
    expect([head.status, options.status], path).toEqual([get.status, get.status])
    expect(head).toMatchObject({body: '', headers: {'content-length': expect.stringMatching(/^\d+$/)}})
  }
  expect((await api.ask('/v1/events', {method: 'HEAD'})).headers['content-type']).toBe('text/event-stream')
})

test('a wrong method is 405 with Allow, an unknown path 404, both as problem documents', async () => {
  await using api = await started(healthy)
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND', 'QUERY']) {
    const answer = await api.ask('/v1/primary', {method})
    expect(answer.status, method).toBe(405)
    expect(answer.headers).toMatchObject({
      allow: 'GET, HEAD, OPTIONS',
      'content-type': 'application/problem+json; charset=utf-8',
    })
    expect(Object.keys(JSON.parse(answer.body))).toEqual(['type', 'title', 'status', 'detail', 'code', 'next'])
  }
  expect(await api.ask('/v1/hosts/host1/accept', {method: 'PUT'})).toMatchObject({
    status: 405,
    headers: {allow: expect.stringMatching(/POST/)},
  })
  expect(await api.ask('/nothing', {method: 'POST'})).toMatchObject({status: 404})
})

test('every request reads the source, and prepared answers follow a new snapshot', async () => {
  await using api = await started(healthy)
  expect((await api.ask('/v1/primary')).body).toBe('["host1"]')
  const asked = api.source.asked
  expect((await api.ask('/v1/primary')).body).toBe('["host1"]')
  expect(api.source.asked).toBe(asked + 1)
  api.source.set(split)
  expect(await api.ask('/v1/primary')).toMatchObject({status: 409, body: '[]'})
  expect((await api.ask('/v1/primaries')).body).toBe('["host1","host2"]')
})

test('the snapshot, its hosts, one host and one group', async () => {
  await using api = await started(two)
  const all = JSON.parse((await api.ask('/v1/snapshot')).body)
  expect(all).toMatchObject({
    schema: 1,
    epoch: '9f2c41',
    sequence: snapshot(two).sequence,
    groups: {orders: {verdict: {routed_to: 'a1'}}},
  })
  const [hosts, host, group] = await Promise.all(
    ['/v1/hosts', '/v1/hosts/a1', '/v1/groups/orders'].map((path) => api.ask(path)),
  )
  expect(Object.keys(JSON.parse(hosts?.body ?? ''))).toEqual(['a1', 'a2', 'b1', 'b2'])
  expect(JSON.parse(host?.body ?? '')).toMatchObject({role: 'primary', groups: ['orders']})
  expect(JSON.parse(group?.body ?? '')).toMatchObject({hosts: ['a1', 'a2'], verdict: {kind: 'primary'}})
})
