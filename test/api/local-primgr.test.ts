import {describe, expect, test} from 'vitest'
import {primgrAnswer} from '../../src/api/local/primgr.ts'
import {
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
import {contextOf} from './local-stage.ts'

const ask = (draft: SnapshotDraft, path: string, method = 'GET', host = 'Host_1') => {
  const {status, body, type} = primgrAnswer(method, path, contextOf(host, snapshot(draft)))
  return [status, body, type]
}
const json = 'application/json'
const other = {host2: standby('Host_1')}

/** The local host is Host_1, which primgr would call host-1. */
const table: readonly [given: string, SnapshotDraft, state: string, primary: string, realPrimary: string][] = [
  [
    'the routed primary',
    {hosts: {Host_1: primary(), ...other}},
    '200 {"State":"Primary"}',
    '200 {"Primary":"host-1"}',
    '200 {"realPrimary":"host-1"}',
  ],
  [
    'a standby',
    {hosts: {Host_1: standby('host2'), host2: primary()}},
    '202 {"State":"Standby"}',
    '200 {"Primary":"host2"}',
    '200 {"realPrimary":"host2"}',
  ],
  [
    'a standby without a primary',
    {hosts: {Host_1: standby('host2'), host2: unavailable()}},
    '202 {"State":"Standby"}',
    '503 {"State":"Down"}',
    '200 {"realPrimary":null}',
  ],
  [
    'a server that is down',
    {hosts: {Host_1: unavailable(), host2: primary()}},
    '503 {"State":"Down"}',
    '503 {"State":"Down"}',
    '503 {"State":"Down"}',
  ],
  [
    'a split brain',
    {hosts: {Host_1: primary(), host2: primary()}},
    '509 {"State":"Unknown"}',
    '503 {"State":"Down"}',
    '503 {"State":"Unknown"}',
  ],
  [
    'a primary that is not confirmed',
    {hosts: {Host_1: primary(), ...other}, verdict: unconfirmed('Host_1')},
    '509 {"State":"Unknown"}',
    '503 {"State":"Down"}',
    '503 {"State":"Unknown"}',
  ],
  [
    'the start of the daemon',
    {hosts: {Host_1: primary(), host2: unasked()}},
    '509 {"State":"Unknown"}',
    '503 {"State":"Down"}',
    '503 {"State":"Unknown"}',
  ],
  [
    'a drained primary',
    {hosts: {Host_1: primary({drained}), ...other}},
    '509 {"State":"Unknown"}',
    '200 {"Primary":"host-1"}',
    '503 {"State":"Unknown"}',
  ],
  [
    'a drained standby',
    {hosts: {Host_1: standby('host2', {drained}), host2: primary()}},
    '503 {"State":"Down"}',
    '200 {"Primary":"host2"}',
    '200 {"realPrimary":"host2"}',
  ],
  [
    'a primary that the daemon alone cannot reach',
    {hosts: {Host_1: unavailable('timeout'), ...other}, verdict: unreachable('Host_1')},
    '200 {"State":"Primary"}',
    '200 {"Primary":"host-1"}',
    '200 {"realPrimary":"host-1"}',
  ],
]

describe('local_api.primgr', () => {
  test.each(table)('%s', (_, draft, state, primaryText, realPrimary) => {
    const said = (path: string) => ask(draft, path).slice(0, 2).join(' ')
    expect([said('/state'), said('/primary'), said('/realPrimary')]).toEqual([state, primaryText, realPrimary])
  })

  test('the pages take a query, and are found by their exact path', () => {
    const draft = {hosts: {Host_1: primary(), ...other}}
    expect(ask(draft, '/state?x=1')).toEqual([200, '{"State":"Primary"}', json])
    for (const path of ['/', '/State', '/state/', '/realprimary', '/docs', '/constructor', '/__proto__'])
      expect(ask(draft, path)).toEqual([404, '{"detail":"Not Found"}', json])
  })

  test('/master does not exist: the script that asks for it removes a data directory', () => {
    expect(ask({hosts: {Host_1: primary(), ...other}}, '/master')[0]).toBe(404)
  })

  test('no method changes anything', () => {
    const draft = {hosts: {Host_1: primary(), ...other}}
    expect(ask(draft, '/state', 'POST')).toEqual([405, '{"detail":"Method Not Allowed"}', json])
    expect(ask(draft, '/nonsense', 'DELETE')[0]).toBe(404)
  })

  test('a host that the monitor does not have, for a moment of a reload, is down', () => {
    expect(ask({hosts: {host2: primary()}}, '/state')).toEqual([503, '{"State":"Down"}', json])
  })
})
