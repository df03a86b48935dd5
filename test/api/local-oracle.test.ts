import {readFileSync} from 'node:fs'
import {describe, expect, test} from 'vitest'
import {patroniAnswer} from '../../src/api/local/patroni.ts'
import type {HostState, Verdict} from '../../src/core/snapshot.ts'
import {assessed, snapshotOf} from '../support/assessed.ts'
import {NOW} from '../support/records.ts'
import {type Recording, type Recordings, sceneOf, tagsOf} from './local-oracle.ts'
import {contextOf, localPatroni} from './local-stage.ts'

const file = new URL('../fixtures/local-api/patroni.json', import.meta.url)
const {requests, recordings} = JSON.parse(readFileSync(file, 'utf8')) as Recordings

/** Patroni's answer to one request beside ours. `theirs`: 0 where Patroni did not answer. */
type Pair = Readonly<{
  recording: Recording
  method: string
  path: string
  theirs: number
  ours: number
  host: HostState
  verdict: Verdict
  /** Patroni could not read its store. */
  isStoreAway: boolean
}>

const isPage = (path: string) => /^\/(liveness|readiness|patroni|cluster|config)$/.test(path)
const isStreaming = (host: HostState) => host.role === 'standby' && host.receiver?.status === 'streaming'

/** Every difference that is meant, with its reason. */
const allowed: Readonly<Record<string, (pair: Pair) => boolean>> = {
  'the server crashed, or hangs: 503 at once, where Patroni says 200 or nothing': ({host, theirs, ours}) =>
    host.role === 'unavailable' && theirs !== 503 && ours === 503,
  'the verdict is in doubt (V1, V2, V3): no primary': ({host, verdict, theirs, ours}) =>
    ['V1', 'V2', 'V3'].includes(verdict.rule) && host.role === 'primary' && theirs === 200 && ours === 503,
  'the API of Patroni hangs with PostgreSQL, or closes the connection without its store': ({host, path, theirs}) =>
    theirs === 0 && (host.role !== 'unavailable' || ['/liveness', '/cluster', '/history'].includes(path)),
  'liveness is of the daemon, not of the loop of Patroni': ({method, path, theirs, ours}) =>
    method === 'GET' && path === '/liveness' && theirs === 503 && ours === 200,
  'the verdict needs no store: Patroni knows no sync states, and is not ready, without it': (pair) =>
    pair.isStoreAway &&
    pair.theirs === 503 &&
    pair.ours === 200 &&
    /^\/(a?sync(hronous)?|read-only-sync(hronous)?|read-only-quorum|readiness)(\?|$)/.test(pair.path),
  'a lag that is unknown meets no limit': ({host, path, theirs, ours}) =>
    host.role === 'standby' && host.lagBytes === null && path.includes('lag=') && theirs === 200 && ours === 503,
  'a standby is ready while it streams, as in 4.1': ({recording, host, path, theirs, ours}) =>
    recording.patroni === '3.0.2' &&
    !isStreaming(host) &&
    path.startsWith('/readiness') &&
    theirs === 200 &&
    ours === 503,
  'a question that is newer than Patroni 3.0.2': ({recording, path, theirs, ours}) =>
    recording.patroni === '3.0.2' &&
    (path === '/read-only-quorum' || path.includes('replication_state=')) &&
    theirs === 200 &&
    ours === 503,
  'a host that follows another cluster leads a standby cluster once a standby follows it': ({recording, host, ours}) =>
    recording.state === '40-standby-cluster-leader' && host.role === 'standby' && ours !== 502,
  'HEAD and OPTIONS answer like GET, where Patroni knows them for health checks alone': (pair) =>
    pair.method !== 'GET' && isPage(pair.path) && pair.theirs === 503,
  '/config and /failsafe are of Patroni: as if unset': ({path, ours}) =>
    (path === '/config' || path === '/failsafe') && ours === 502,
}

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
    return [{recording, method, path, theirs, ours, host, verdict, isStoreAway}]
  })
}

const pairs = recordings.flatMap(pairsOf)
const differences = pairs.filter(({theirs, ours}) => theirs !== ours)
const shown = ({recording, method, path, theirs, ours}: Pair) =>
  `${recording.state} ${recording.member}: ${method} ${path}: ${theirs || 'no answer'} → ${ours}`

describe('local_api.patroni beside the recorded answers of real members', () => {
  test('there is something to compare', () => {
    expect(recordings).toHaveLength(72)
    expect(pairs.length).toBeGreaterThan(4_500)
    expect(pairs.filter(({ours}) => ours === 200).length).toBeGreaterThan(1_500)
  })

  test('every status is the same, but for the differences that are meant', () => {
    const reasons = Object.values(allowed)
    expect(differences.filter((pair) => !reasons.some((isMeant) => isMeant(pair))).map(shown)).toEqual([])
  })

  test.each(Object.entries(allowed))('the difference is there: %s', (_, isMeant) => {
    expect(differences.some(isMeant)).toBe(true)
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
