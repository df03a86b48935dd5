import {readFileSync} from 'node:fs'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {HostState} from '../../src/core/snapshot.ts'
import type {Cause, Role} from '../../src/core/vocabulary.ts'
import {failing, primary, row, standby} from '../support/records.ts'

/** One member of Patroni in one state, with the answers that it gave. */
export type Recording = Readonly<{
  patroni: '3.0.2' | '4.1.4'
  state: string
  member: string
  /** A letter for each of the requests. */
  statuses: string
  body?: Readonly<Record<string, unknown>>
  cluster?: Readonly<{members: readonly Readonly<Record<string, unknown>>[]}>
}>
type Recordings = Readonly<{requests: readonly string[]; recordings: readonly Recording[]}>

const file = new URL('../fixtures/local-api/patroni.json', import.meta.url)
export const {requests, recordings} = JSON.parse(readFileSync(file, 'utf8')) as Recordings

/**
 * What the hosts said by SQL in each recorded state: `P` primary, `S` standby, then the timeline, the
 * host that it streams from, and its sync state; or the cause why a host said nothing.
 */
const scenes: Readonly<Record<string, string>> = {
  '00-replicas-cannot-start': 'node1 P 1, node2 refused, node3 refused',
  '01-steady-async': 'node1 P 2, node2 S 2 node1 async, node3 S 2 node1 async',
  '02-sync-mode': 'node1 P 2, node2 S 2 node1 async, node3 S 2 node1 sync',
  '03-pending-restart': 'node1 P 2, node2 S 2 node1 async, node3 S 2 node1 async',
  '04-paused': 'node1 P 2, node2 S 2 node1 async, node3 S 2 node1 async',
  '05-paused-replica-stopped': 'node1 P 2, node2 S 2 node1 async, node3 refused',
  '06-replay-paused-by-hand-and-resumed-by-patroni': 'node1 P 2, node2 S 2 node1 async, node3 S 2 node1 async',
  '07-node2-cut-from-leader-pg': 'node1 P 2, node2 S 2, node3 S 2 node1 async',
  '08-failsafe-mode-on-quiet': 'node1 P 2, node2 S 2, node3 S 2 node1 async',
  '10-after-switchover': 'node1 S 3 node2 async, node2 P 3, node3 S 3 node2 async',
  '11-during-reinitialize': 'node1 P 4, node2 S 4 node1 async, node3 refused',
  '20-leader-killed-at-once': 'node1 refused, node2 S 4, node3 S 4',
  '21-leader-killed-cannot-restart': 'node1 not-accepting, node2 S 5, node3 S 5',
  '22-leader-pg-frozen': 'node1 S 6, node2 S 6, node3 hung',
  '23-after-thaw-replicas-stuck-on-higher-timeline': 'node1 S 7, node2 S 7, node3 P 6',
  '24-steady-failsafe-enabled': 'node1 S 6 node3 async, node2 S 6 node3 async, node3 P 6',
  '30-leader-cut-from-etcd-failsafe-on': 'node1 S 6 node3 async, node2 S 6 node3 async, node3 P 6',
  '31-leader-cut-from-etcd-failsafe-off': 'node1 S 6 node3 async, node2 S 6 node3 async, node3 S 6',
  '32-etcd-down-failsafe-off-early': 'node1 refused, node2 S 7, node3 S 7',
  '33-etcd-down-failsafe-off-demoted': 'node1 S 7, node2 S 7 node1 async, node3 S 7 node1 async',
  '34-etcd-down-failsafe-on': 'node1 S 8 node3 async, node2 S 8 node3 async, node3 P 8',
  '35-paused-second-primary-promoted-by-hand': 'node1 P 9, node2 S 8 node3 async, node3 P 8',
  '40-standby-cluster-leader': 'node4 S 2 elsewhere',
  '414-01-steady': 'node1 P 1, node2 S 1 node1 async, node3 S 1 node1 async',
  '414-02-quorum': 'node1 P 1, node2 S 1 node1 quorum, node3 S 1 node1 quorum',
  '414-03-paused': 'node1 P 1, node2 S 1 node1 async, node3 S 1 node1 async',
  '414-04-leader-killed': 'node1 not-accepting, node2 S 1, node3 S 1',
  '414-05-leader-frozen': 'node1 hung, node2 S 1, node3 S 1',
  '414-06-after-thaw': 'node1 refused, node2 S 2 node3 async, node3 P 2',
  '414-07-paused-etcd-down': 'node1 S 2 node3 async, node2 S 2 node3 async, node3 P 2',
  'etcd2-01-steady': 'node1 P 1, node2 S 1 node1 async, node3 S 1 node1 async',
}

/** The hosts of a state, as the monitor has them. */
export function sceneOf(state: string): readonly HostRecord[] {
  const scene = scenes[state]
  if (scene === undefined) throw new Error(`there is no scene for ${state}`)
  const hosts = scene.split(', ').map((text) => text.split(' '))
  return hosts.map(([name = '', what = '', timeline = '', of]) => {
    const senders = hosts
      .filter(([, , , upstream]) => upstream === name)
      .map(([follower = '', , , , syncState = null]) => row(follower, {syncState}))
    if (what === 'P') return primary(name, {timeline: Number(timeline), senders})
    if (what === 'S') return standby(name, {timeline: Number(timeline), senders, ...(of ? {of} : {receiver: null})})
    return failing(name, what as Cause)
  })
}

/** Of the members of the laboratory: those of version 3.0.2 with etcd's older API had none. */
export function tagsOf({state, member}: Recording): Readonly<Record<string, string>> {
  if (member !== 'node3' || state.startsWith('etcd2')) return {}
  return state.startsWith('414') ? {failover_priority: '2', nofailover: 'false', zone: 'a'} : {zone: 'a'}
}

/** Patroni's answer to one request beside ours. `theirs`: 0 where Patroni did not answer. */
export type Pair = Readonly<{
  at: string
  version: string
  method: string
  path: string
  theirs: number
  ours: number
  /** The host of the question, and the rule of its verdict. */
  role: Role
  isStreaming: boolean
  isLagKnown: boolean
  rule: string
  /** Patroni could not read its store. */
  isStoreAway: boolean
  /** The only host of its group. */
  isAlone: boolean
}>

export const factsOf = (host: HostState) => ({
  role: host.role,
  isStreaming: host.role === 'standby' && host.receiver?.status === 'streaming',
  isLagKnown: host.role === 'standby' && host.lagBytes !== null,
})

const isDenied = ({theirs, ours}: Pair) => theirs === 200 && ours === 503
const isPage = (path: string) => /^\/(liveness|readiness|patroni|cluster|config)$/.test(path)
const isOfSync = /^\/(a?sync(hronous)?|read-only-sync(hronous)?|read-only-quorum|readiness)(\?|$)/

/** Every difference that is meant, with its reason. */
export const allowed: Readonly<Record<string, (pair: Pair) => boolean>> = {
  'the server crashed, or hangs: 503 at once, where Patroni says 200 or nothing': ({role, theirs, ours}) =>
    role === 'unavailable' && theirs !== 503 && ours === 503,
  'the verdict is in doubt (V1, V2, V3): no primary': (pair) =>
    ['V1', 'V2', 'V3'].includes(pair.rule) && pair.role === 'primary' && isDenied(pair),
  'the API of Patroni hangs with PostgreSQL, or closes the connection without its store': ({role, path, theirs}) =>
    theirs === 0 && (role !== 'unavailable' || ['/liveness', '/cluster', '/history'].includes(path)),
  'liveness is of the daemon, not of the loop of Patroni': ({method, path, theirs, ours}) =>
    method === 'GET' && path === '/liveness' && theirs === 503 && ours === 200,
  'the verdict needs no store: Patroni knows no sync states, and is not ready, without it': (pair) =>
    pair.isStoreAway && pair.theirs === 503 && pair.ours === 200 && isOfSync.test(pair.path),
  'a lag that is unknown meets no limit': (pair) =>
    pair.role === 'standby' && !pair.isLagKnown && pair.path.includes('lag=') && isDenied(pair),
  'a standby is ready while it streams, as in 4.1': (pair) =>
    pair.version === '3.0.2' && !pair.isStreaming && pair.path.startsWith('/readiness') && isDenied(pair),
  'a question that is newer than Patroni 3.0.2': (pair) =>
    pair.version === '3.0.2' &&
    (pair.path === '/read-only-quorum' || pair.path.includes('replication_state=')) &&
    isDenied(pair),
  'a host that follows another cluster leads a standby cluster once a standby follows it': ({isAlone, role, ours}) =>
    isAlone && role === 'standby' && ours !== 502,
  'HEAD and OPTIONS answer like GET, where Patroni knows them for health checks alone': ({method, path, theirs}) =>
    method !== 'GET' && isPage(path) && theirs === 503,
  '/config and /failsafe are of Patroni: as if unset': ({path, ours}) =>
    (path === '/config' || path === '/failsafe') && ours === 502,
}

export const isMeant = (pair: Pair): boolean => Object.values(allowed).some((isIt) => isIt(pair))

export const shown = ({at, method, path, theirs, ours}: Pair): string =>
  `${at}: ${method} ${path}: ${theirs || 'no answer'} → ${ours}`
