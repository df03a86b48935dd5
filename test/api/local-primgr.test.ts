import {describe, expect, test} from 'vitest'
import {primgrAnswer} from '../../src/api/local/primgr.ts'
import {NodeTables} from '../../src/core/ha-tools/repmgr.ts'
import {groupSettings} from '../support/settings.ts'
import {
  drained,
  noon,
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

describe('local_api.primgr where repmgr is asked', () => {
  const repmgr = {dbname: 'repmgr', schema: 'repmgr', nodes: {Host_1: 'PG_one'}}
  const groups = [groupSettings('all', ['Host_1', 'host2'], {repmgr})]
  const draft = {hosts: {Host_1: primary(), ...other}}

  function said(names: readonly string[] | null, path = '/primary', ageMs = 0, given: SnapshotDraft = draft) {
    const tables = new NodeTables()
    tables.note('all', 'host2', {names: ['another-table'], askedAt: noon.now})
    if (names !== null) tables.note('all', 'Host_1', {names, askedAt: noon.now - ageMs})
    const context = contextOf('Host_1', snapshot(given), {groups, tables, at: noon})
    const {status, body} = primgrAnswer('GET', path, context)
    return `${status} ${body}`
  }

  test('/primary is whom the local table names, whatever the verdict is', () => {
    expect(said(['pg-two'])).toBe('200 {"Primary":"pg-two"}')
    const rivals = {hosts: {Host_1: primary(), host2: primary()}}
    expect(said(['pg-one'], '/primary', 0, rivals)).toBe('200 {"Primary":"pg-one"}')
    expect(said(['pg-one'], '/state', 0, rivals)).toBe('509 {"State":"Unknown"}')
  })

  test.each<[given: string, names: readonly string[] | null, ageMs: number]>([
    ['no active primary', [], 0],
    ['two active primaries', ['pg-one', 'pg-two'], 0],
    ['a table that was not read', null, 0],
    ['a table that is too old', ['pg-one'], 3_001],
  ])('%s: no vote', (_, names, ageMs) => expect(said(names, '/primary', ageMs)).toBe('503 {"State":"Down"}'))

  test('/realPrimary has the name of the node', () => {
    expect(said(null, '/realPrimary')).toBe('200 {"realPrimary":"pg-one"}')
  })
})
