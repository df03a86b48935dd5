import {describe, expect, test} from 'vitest'
import {patroniAnswer} from '../../src/api/local/patroni.ts'
import {assessed, snapshotOf} from '../support/assessed.ts'
import {NOW} from '../support/records.ts'
import {
  allowed,
  factsOf,
  isMeant,
  type Pair,
  type Recording,
  recordings,
  requests,
  sceneOf,
  shown,
  tagsOf,
} from './local-oracle.ts'
import {contextOf, localPatroni} from './local-stage.ts'

function pairsOf(recording: Recording): readonly Pair[] {
  const snapshot = snapshotOf(assessed(sceneOf(recording.state)))
  const [host, verdict] = [snapshot.hosts[recording.member], snapshot.groups.all?.verdict]
  if (host === undefined || verdict === undefined) throw new Error(`${recording.member} is not in the scene`)
  const context = contextOf(recording.member, snapshot, {
    patroni: {...localPatroni, localVersion: recording.patroni, tags: tagsOf(recording)},
    at: {now: NOW, wall: 1_800_000_000_000},
  })
  const letters = [...recording.statuses]
  const isStoreAway = letters[requests.indexOf('GET /cluster')] === '-'
  return requests.flatMap((request, index) => {
    const theirs = {2: 200, 5: 503, b: 502, '-': 0}[letters[index] ?? ' ']
    const [method = '', path = ''] = request.split(' ')
    if (theirs === undefined) return []
    const {status: ours} = patroniAnswer(method, path, context)
    const {state, member, patroni: version} = recording
    const facts = {isStoreAway, isAlone: snapshot.groups.all?.hosts.length === 1, rule: verdict.rule, ...factsOf(host)}
    return [{at: `${state} ${member}`, version, method, path, theirs, ours, ...facts}]
  })
}

const pairs = recordings.flatMap(pairsOf)
const differences = pairs.filter(({theirs, ours}) => theirs !== ours)

describe('local_api.patroni beside the recorded answers of real members', () => {
  test('there is something to compare', () => {
    expect(recordings).toHaveLength(72)
    expect(pairs.length).toBeGreaterThan(4_500)
    expect(pairs.filter(({ours}) => ours === 200).length).toBeGreaterThan(1_500)
  })

  test('every status is the same, but for the differences that are meant', () => {
    expect(differences.filter((pair) => !isMeant(pair)).map(shown)).toEqual([])
  })

  test.each(Object.entries(allowed))('the difference is there: %s', (_, isIt) => {
    expect(differences.some(isIt)).toBe(true)
  })

  test('no allowed difference lets a host take writes that Patroni denies them', () => {
    const ofWriters = /^\/(|primary\/?|master|read-write|leader|fooprimarybar|primary\?x=y)$/
    expect(differences.filter(({path, ours}) => ofWriters.test(path) && ours === 200).map(shown)).toEqual([])
  })
})

/** What only Patroni knows of itself. */
const ofPatroniAlone = ['pending_restart', 'pause', 'cluster_unlocked', 'failsafe_mode_is_active']

describe('the bodies have the fields of the recorded ones', () => {
  const withBody = recordings.filter(({body}) => body)

  test('there are some', () => expect(withBody.length).toBe(15))

  test.each(withBody)('$patroni $state $member', ({body = {}, cluster, ...recording}) => {
    const snapshot = snapshotOf(assessed(sceneOf(recording.state)))
    const context = contextOf(recording.member, snapshot, {
      patroni: {...localPatroni, localVersion: recording.patroni, tags: tagsOf(recording)},
      at: {now: NOW, wall: 1_800_000_000_000},
    })
    const read = (path: string) => JSON.parse(patroniAnswer('GET', path, context).body)
    const ours = read('/patroni')
    const theirs = Object.keys(body).filter((key) => !ofPatroniAlone.includes(key))
    expect(Object.keys(ours)).toEqual(expect.arrayContaining(theirs))
    for (const key of ['state', 'role', 'tags', 'sync_standby', 'quorum_standby'])
      expect([key, ours[key]]).toEqual([key, body[key]])
    expect(Object.keys(ours.xlog)).toEqual(Object.keys(body.xlog as object))
    expect(Object.keys(ours.patroni)).toEqual(expect.arrayContaining(Object.keys(body.patroni as object)))

    const members = read('/cluster').members as readonly Record<string, unknown>[]
    for (const [index, member] of (cluster?.members ?? []).entries()) {
      const mine = members[index] ?? {}
      for (const key of ['name', 'role', 'state', 'port', 'timeline', 'lag'])
        expect([key, mine[key]]).toEqual([key, key === 'lag' && member.lag !== undefined ? 0 : member[key]])
      const others = Object.keys(member).filter((key) => key !== 'pending_restart' && key !== 'tags')
      expect(Object.keys(mine)).toEqual(expect.arrayContaining(others))
    }
  })
})
