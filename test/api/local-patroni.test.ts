import {describe, expect, test} from 'vitest'
import {patroniAnswer} from '../../src/api/local/patroni.ts'
import type {PatroniSettings} from '../../src/core/settings.ts'
import {readCluster} from '../../src/patroni/data/cluster.ts'
import {readStatus} from '../../src/patroni/data/status.ts'
import {groupSettings} from '../support/settings.ts'
import {
  drained,
  noon,
  primary,
  type SnapshotDraft,
  snapshot,
  standby,
  streaming,
  unasked,
  unavailable,
  unreachable,
} from '../support/snapshots.ts'
import {contextOf, localPatroni} from './local-stage.ts'

const sender = {
  pid: 7,
  applicationName: 'host2',
  clientAddr: '10.0.0.2',
  state: 'streaming',
  syncState: 'sync',
} as const
const three: SnapshotDraft = {
  hosts: {
    host1: primary({senders: [{...sender, replayLsn: null}]}),
    host2: standby('host1', {syncState: 'sync', lagBytes: 2_048, receiveLsn: '0/3000000', lsn: '0/2FFF948'}),
    host3: unavailable('not-accepting'),
  },
}
const lagging = (lagBytes: number | null): SnapshotDraft => ({
  hosts: {host1: primary(), host2: standby('host1', {lagBytes})},
})
/** A row that our role may not read. */
const unread = {pid: 7, applicationName: null, clientAddr: null, state: null, syncState: null, replayLsn: null}
const unfed = standby('host1', {receiver: null, lagBytes: null})
const asked = (draft: SnapshotDraft, host: string, path: string, patroni = {}) => {
  const context = contextOf(host, snapshot(draft), {patroni: {...localPatroni, ...patroni}, at: noon})
  return patroniAnswer('GET', path, context)
}
const statusOf = (draft: SnapshotDraft, host: string, path: string, patroni = {}) =>
  asked(draft, host, path, patroni).status

describe('local_api.patroni: statuses', () => {
  test.each<[given: string, SnapshotDraft, host: string, path: string, status: number]>([
    ['a drained primary', {hosts: {host1: primary({drained})}}, 'host1', '/primary', 503],
    ['a drained primary', {hosts: {host1: primary({drained})}}, 'host1', '/leader', 503],
    ['a drained standby', {hosts: {host1: primary(), host2: standby('host1', {drained})}}, 'host2', '/replica', 503],
    ['a lag within the limit', three, 'host2', '/replica?lag=2kB', 200],
    ['a lag beyond the limit', three, 'host2', '/replica?lag=2047', 503],
    ['a limit by the first of two values', three, 'host2', '/replica?lag=2047&lag=16MB', 503],
    ['a limit in hexadecimal, with a blank', three, 'host2', '/replica?lag=0x800%20B', 200],
    ['no limit: a unit that Patroni does not know', three, 'host2', '/replica?lag=1MiB', 200],
    ['no limit: an empty value', three, 'host2', '/replica?lag=', 200],
    ['the absolute form', three, 'host1', 'http://10.0.0.1:8008/primary', 200],
    ['the absolute form without a path', three, 'host1', 'http://10.0.0.1:8008', 200],
    ['a page with something behind it', three, 'host3', '/patroni/x', 200],
    ['received within the limit', three, 'host2', '/readiness?mode=write&lag=328', 200],
    ['received beyond the limit', three, 'host2', '/readiness?mode=write&lag=327', 503],
    ['replayed beyond the limit', three, 'host2', '/readiness?lag=2047', 503],
    ['received, of an unknown lag', lagging(null), 'host2', '/readiness?mode=write&lag=1MB', 503],
    ['a standby that does not stream', {hosts: {host1: primary(), host2: unfed}}, 'host2', '/readiness', 503],
    ['a server that starts', three, 'host3', '/health', 503],
    ['a server that starts', three, 'host3', '/liveness', 200],
  ])('%s: %s %s %s', (_, draft, host, path, status) => expect(statusOf(draft, host, path)).toBe(status))

  test('a primary that the daemon alone cannot reach stays the leader', () => {
    const draft = {hosts: {host1: unavailable('timeout'), host2: standby()}, verdict: unreachable('host1')}
    expect(statusOf(draft, 'host1', '/primary')).toBe(200)
    expect(JSON.parse(asked(draft, 'host1', '/').body)).toMatchObject({
      state: 'unknown',
      role: 'primary',
      timeline: null,
    })
  })

  test('the head of a standby cluster: leader and standby-leader, no replica', () => {
    const draft = {hosts: {host1: standby('10.9.9.9'), host2: standby('host1')}}
    const passing = (host: string) =>
      ['/primary', '/leader', '/standby-leader', '/standby_leader', '/replica', '/read-only', '/async'].filter(
        (path) => statusOf(draft, host, path) === 200,
      )
    expect(passing('host1')).toEqual(['/leader', '/standby-leader', '/standby_leader', '/read-only'])
    expect(passing('host2')).toEqual(['/replica', '/read-only', '/async'])
    expect(JSON.parse(asked(draft, 'host1', '/').body).role).toBe('standby_leader')
  })

  test.each([
    ['true', 503],
    ['yes', 503],
    ['false', 200],
    ['0', 200],
  ])('noloadbalance: %s → /replica %i', (noloadbalance, status) => {
    expect(statusOf(three, 'host2', '/replica', {tags: {noloadbalance}})).toBe(status)
    expect(statusOf(three, 'host1', '/primary', {tags: {noloadbalance}})).toBe(200)
  })

  test('tags are compared as Patroni compares them', () => {
    const tags = {zone: 'A', backup: 'True', nosync: 'false'}
    const passing = (path: string) => statusOf(three, 'host2', path, {tags}) === 200
    expect(passing('/replica?tag_zone=A')).toBe(true)
    expect(passing('/replica?tag_zone=a')).toBe(false)
    expect(passing('/replica?tag_backup=true')).toBe(true)
    expect(passing('/health?tag_zone=b')).toBe(false)
    expect(passing('/replica?tag_nosync=false')).toBe(false)
    expect(passing(`/replica?tag_constructor=${encodeURIComponent(String(Object))}`)).toBe(false)
    expect(statusOf(three, 'host1', '/primary?tag_zone=b', {tags})).toBe(200)
  })

  test('unsafe methods are refused in words', () => {
    const context = contextOf('host1', snapshot(three), {at: noon})
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])
      expect(patroniAnswer(method, '/switchover', context)).toMatchObject({
        status: 403,
        body: 'pgroute66 does not manage Patroni',
      })
  })
})

describe('local_api.patroni: bodies', () => {
  test('of a primary', () => {
    const {body, type} = asked(three, 'host1', '/primary')
    expect(type).toBe('application/json')
    // As Python writes it: scripts look for this text.
    expect(body).toContain('"role": "primary", "server_version": 150020, "xlog": {"location": 50331976}')
    expect(JSON.parse(body)).toEqual({
      state: 'running',
      postmaster_start_time: '2026-11-20 12:00:00.000000+00:00',
      role: 'primary',
      server_version: 150020,
      xlog: {location: 0x3000148},
      timeline: 3,
      replication: [{application_name: 'host2', client_addr: '10.0.0.2', state: 'streaming', sync_state: 'sync'}],
      dcs_last_seen: noon.wall / 1000 - 1,
      database_system_identifier: '7710428129421941699',
      patroni: {version: '4.1.0', scope: 'main', name: 'host1'},
      pgroute66: {verdict: 'primary', rule: 'V4', why: 'host1 is the only primary'},
    })
  })

  test('of a standby, and of a server that answers nothing: every field that clients index is there', () => {
    expect(JSON.parse(asked(three, 'host2', '/patroni').body)).toMatchObject({
      role: 'replica',
      sync_standby: true,
      replication_state: 'streaming',
      xlog: {received_location: 0x3000000, replayed_location: 0x2fff948, replayed_timestamp: null, paused: false},
    })
    const bare = JSON.parse(asked(three, 'host3', '/patroni').body)
    expect(bare).toMatchObject({state: 'starting', role: 'replica', timeline: null})
    for (const key of ['state', 'role', 'server_version', 'timeline', 'patroni', 'database_system_identifier'])
      expect(bare).toHaveProperty(key)
    const never = unavailable('refused', {serverVersion: null, systemIdentifier: null, startedAt: null})
    const {body} = asked({hosts: {host1: never, host2: primary()}}, 'host1', '/patroni')
    expect(body).not.toMatch(/server_version|database_system_identifier|postmaster_start_time/)
    expect(bare).not.toHaveProperty('xlog')
    expect(JSON.parse(asked({hosts: {host2: primary()}}, 'host1', '/patroni').body)).toMatchObject({
      state: 'unknown',
      role: 'replica',
      patroni: {name: 'host1'},
      pgroute66: {why: 'host1 is in no group, so routers do not get it'},
    })
  })

  test('before version 4 the role is master, and before 3.0.4 a member does not say that it streams', () => {
    const old = {localVersion: '3.0.2'}
    expect(JSON.parse(asked(three, 'host1', '/', old).body)).toMatchObject({
      role: 'master',
      patroni: {version: '3.0.2'},
    })
    const stateIn = (localVersion: string) =>
      JSON.parse(asked(three, 'host1', '/cluster', {localVersion}).body).members[1].state
    expect(['3.0.2', '3.0.4', '3.1.0', '4.1.0'].map(stateIn)).toEqual([
      'running',
      'streaming',
      'streaming',
      'streaming',
    ])
  })

  test('/cluster', () => {
    const {members, scope} = JSON.parse(asked(three, 'host2', '/cluster', {port: 8008, tags: {zone: 'a'}}).body)
    expect(scope).toBe('main')
    expect(members).toEqual([
      {
        name: 'host1',
        role: 'leader',
        state: 'running',
        api_url: 'http://10.0.0.1:8008/patroni',
        host: '10.0.0.1',
        port: 5432,
        timeline: 3,
      },
      {
        name: 'host2',
        role: 'sync_standby',
        state: 'streaming',
        api_url: 'http://10.0.0.2:8008/patroni',
        host: '10.0.0.2',
        port: 5432,
        timeline: 3,
        tags: {zone: 'a'},
        receive_lag: 328,
        receive_lsn: '0/3000000',
        replay_lag: 2_048,
        replay_lsn: '0/2FFF948',
        lag: 2_048,
        lsn: '0/2FFF948',
      },
      expect.objectContaining({name: 'host3', role: 'replica', state: 'starting', timeline: 0, lag: 'unknown'}),
    ])
  })

  test('scope and names are those of the group in Patroni, where the configuration has them', () => {
    const none = {caFile: null, certFile: null, keyFile: null, urls: []}
    const patroni = {...none, scope: 'orders', members: {host1: 'pg-node-1'}} as unknown as PatroniSettings
    const groups = [groupSettings('all', ['host1', 'host2', 'host3'], {patroni})]
    const context = contextOf('host1', snapshot(three), {groups, at: noon})
    const read = (path: string) => JSON.parse(patroniAnswer('GET', path, context).body)
    expect(read('/patroni').patroni).toEqual({version: '4.1.0', scope: 'orders', name: 'pg-node-1'})
    expect(read('/cluster')).toMatchObject({scope: 'orders', members: [{name: 'pg-node-1'}, {name: 'host2'}, {}]})
  })

  test('/cluster in a split brain has no leader, and shows no lag of a rival', () => {
    const receiver = {...streaming, status: 'stopped'}
    const draft = {hosts: {host1: primary(), host2: primary(), host3: standby('host1', {receiver, lagBytes: null})}}
    const {members} = JSON.parse(asked(draft, 'host1', '/cluster').body)
    expect(members).toEqual([
      expect.objectContaining({name: 'host1', role: 'replica', state: 'running', lag: 'unknown'}),
      expect.objectContaining({name: 'host2', role: 'replica', state: 'running', lag: 'unknown'}),
      expect.objectContaining({name: 'host3', role: 'replica', state: 'running', lag: 'unknown'}),
    ])
  })

  test('/metrics, in the names of Patroni', () => {
    const text = asked(three, 'host2', '/metrics').body
    expect(text).toContain('# TYPE patroni_replica gauge\npatroni_replica{scope="main",name="host2"} 1\n')
    expect(text).not.toContain('patroni_master')
    expect(asked(three, 'host1', '/metrics', {localVersion: '3.3.0'}).body).toMatch(/^patroni_master\{.*\} 1$/m)
    expect(text).toContain('patroni_version{scope="main",name="host2"} 40100\n')
    expect(text).toContain('patroni_xlog_replayed_location{scope="main",name="host2"} 50329928\n')
  })

  test('/history is empty, and /config is as unset', () => {
    expect(asked(three, 'host1', '/history')).toMatchObject({status: 200, body: '[]'})
    expect(asked(three, 'host1', '/config')).toMatchObject({status: 502, type: 'text/html;charset=utf-8'})
  })
})

/** check_patroni 2.2 stops with an error where one of these is missing, and a typed client where a type differs. */
describe('the fields that clients index are there, with the types of Patroni', () => {
  const stopped = unavailable('refused', {serverVersion: null, systemIdentifier: null})
  test.each<[given: string, SnapshotDraft]>([
    ['all is well', three],
    ['no primary', {hosts: {host1: stopped, host2: standby('host1', {lagBytes: null}), host3: stopped}}],
    ['two primaries', {hosts: {host1: primary(), host2: primary({timeline: null}), host3: standby()}}],
    [
      'positions are unknown',
      {hosts: {host1: primary({lsn: null, senders: [unread]}), host2: standby('host1', {lsn: null})}},
    ],
    ['a timeline is unknown', {hosts: {host1: primary(), host2: standby('host1', {timeline: null})}}],
    ['the daemon starts', {hosts: {host1: unasked(), host2: primary()}}],
  ])('%s', (_, draft) => {
    for (const host of ['host1', 'host2']) {
      const status = JSON.parse(asked(draft, host, '/patroni').body)
      // node_patroni_version and has_detailed_states; node_tl_has_changed.
      expect(status.patroni.version.split('.').map(Number)).toEqual([4, 1, 0])
      expect(status).toHaveProperty('timeline')
      expect(asked(draft, host, '/liveness').status).toBe(200)
      const {members} = JSON.parse(asked(draft, host, '/cluster').body)
      expect(members).toHaveLength(Object.keys(draft.hosts).length)
      expect(() => readStatus(status, '')).not.toThrow()
      expect(() => readCluster({members}, '')).not.toThrow()
      for (const member of members) {
        for (const key of ['name', 'role', 'state', 'timeline']) expect(member).toHaveProperty(key)
        if (member.role === 'leader') continue
        // It compares the timeline as a number wherever the lag is none of its words.
        if (member.lag !== 'unknown') expect([typeof member.lag, typeof member.timeline]).toEqual(['number', 'number'])
      }
    }
  })
})
