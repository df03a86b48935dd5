import {expect, test} from 'vitest'
import type {Answer} from '../../src/patroni/answer.ts'
import {type LeaderWord, leaderOf, leaderWord} from '../../src/patroni/claim.ts'
import type {Status} from '../../src/patroni/data/status.ts'
import {usageError} from '../../src/patroni/error.ts'

const seen = 1_795_903_654
const date = new Date((seen + 5) * 1_000).toUTCString()
const running = {state: 'running', role: 'primary', raw_role: 'primary', timeline: 7, dcs_last_seen: seen}
type Given = Partial<Status> & Readonly<{http?: number; date?: string}>

function answer({http = 200, date: at = date, ...status}: Given = {}): Answer<Status> {
  const headers: Record<string, string> = at === '' ? {} : {date: at}
  return {status: http, headers, raw: '', data: {...running, ...status}, member: 'http://m1:8008'}
}
const claim = {kind: 'claim', of: 'primary', byFailsafe: false, timeline: 7, dcsAgeSeconds: 5}
const hollow = (reason: string, dcsAgeSeconds: number | null = 5) => ({kind: 'hollow', reason, dcsAgeSeconds})

const table: readonly {given: string; when: Given; ttl?: number; wanted: object}[] = [
  {given: '200, running primary, a fresh view', when: {}, wanted: claim},
  {given: '200 and a replica', when: {role: 'replica'}, wanted: hollow('role')},
  {given: '200 and demoted', when: {role: 'demoted'}, wanted: hollow('role')},
  ...['crashed', 'starting', 'stopping', 'start failed', 'unknown', 'restarting'].map((state) => ({
    given: `200 and state ${state}`,
    when: {state},
    wanted: hollow('state'),
  })),
  {given: 'a standby leader', when: {role: 'standby_leader'}, wanted: {...claim, of: 'standby'}},
  {given: 'pause with a lock', when: {pause: true}, wanted: claim},
  {given: 'pause without a lock', when: {pause: true, cluster_unlocked: true}, wanted: hollow('paused-and-unlocked')},
  {
    given: 'pause without a lock, in failsafe',
    when: {pause: true, cluster_unlocked: true, failsafe_mode_is_active: true},
    wanted: hollow('paused-and-unlocked'),
  },
  {given: 'no lock, and no failsafe', when: {cluster_unlocked: true}, wanted: hollow('unlocked')},
  {given: 'a view as old as the ttl', when: {}, ttl: 5, wanted: claim},
  {given: 'a view older than the ttl', when: {}, ttl: 4, wanted: hollow('dcs-age')},
  {
    given: 'a view older than the ttl, in failsafe',
    when: {cluster_unlocked: true, failsafe_mode_is_active: true},
    ttl: 4,
    wanted: {...claim, byFailsafe: true},
  },
  {
    given: 'failsafe, but the lock is there: the view counts',
    when: {failsafe_mode_is_active: true},
    ttl: 4,
    wanted: hollow('dcs-age'),
  },
  {given: 'no Date beside dcs_last_seen', when: {date: ''}, wanted: hollow('dcs-age', null)},
  {
    given: '503, unlocked',
    when: {http: 503, cluster_unlocked: true},
    wanted: {kind: 'denial', isUnlocked: true, isFailsafe: false, dcsAgeSeconds: 5},
  },
  {given: '502 of a proxy', when: {http: 502}, wanted: {kind: 'silent'}},
]
test.each(table)('P2: $given', ({when, ttl = 20, wanted}) => {
  expect(leaderWord(answer(when), ttl)).toEqual(wanted)
})

test('P2: 0.90 tells no age and no timeline, and claims all the same', () => {
  const data: Status = {state: 'running', role: 'primary', raw_role: 'master', patroni: {version: '0.90', scope: 's'}}
  const word: LeaderWord = leaderWord({status: 200, headers: {}, raw: '', data, member: 'm'}, 20)
  expect(word).toEqual({...claim, timeline: null, dcsAgeSeconds: null})
})

test('P2: 200 without a status of Patroni is hollow, 503 without one is silence', () => {
  const other = (status: number) => ({status, headers: {}, raw: '<html>', data: null, member: 'm'})
  expect(leaderWord(other(200))).toEqual({kind: 'hollow', reason: 'no-status', dcsAgeSeconds: null})
  expect(leaderWord(other(503))).toEqual({kind: 'silent'})
})

const heard = (member: string, when: Given) => ({member, answer: answer(when)})
test('leader: one claim is the holder; the others are sorted by what they say', () => {
  const leader = leaderOf([
    heard('http://m1:8008', {patroni: {name: 'node1'}}),
    heard('http://m2:8008', {http: 503, role: 'replica'}),
    heard('http://m3:8008', {role: 'replica'}),
    {member: 'http://m4:8008', error: usageError('no answer')},
    heard('http://m5:8008', {http: 502}),
  ])
  expect(leader.holder).toMatchObject({member: 'http://m1:8008', name: 'node1', timeline: 7})
  expect(leader.hollow.map(({member, reason}) => [member, reason])).toEqual([['http://m3:8008', 'role']])
  expect(leader.denials.map(({member}) => member)).toEqual(['http://m2:8008'])
  expect(leader.silent.map(({member}) => member)).toEqual(['http://m5:8008', 'http://m4:8008'])
})

test('leader: two claims have no holder', () => {
  const leader = leaderOf([heard('http://m1:8008', {}), heard('http://m2:8008', {})])
  expect([leader.holder, leader.claims.length]).toEqual([null, 2])
})
