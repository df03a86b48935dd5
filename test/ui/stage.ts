import {changesOfGroup, changesOfHost} from '../../src/core/changes.ts'
import type {SnapshotSource} from '../../src/core/ports.ts'
import type {GroupState, HostState, Publication, Snapshot, Verdict} from '../../src/core/snapshot.ts'

export const wallStart = Date.UTC(2026, 10, 21, 1, 0, 0)

/** A standby of host1 that lags by nothing, unless said otherwise. */
export const host = (name: string, said: Partial<HostState> = {}): HostState => ({
  host: name,
  role: 'standby',
  cause: null,
  detail: null,
  blind: false,
  since: wallStart,
  askedAt: 1000,
  address: '10.0.0.1',
  port: 5432,
  groups: ['all'],
  location: null,
  drained: null,
  serverVersion: 150020,
  clusterName: 'main',
  systemIdentifier: '7710428129421941699',
  startedAt: wallStart - 86_400_000,
  timeline: 3,
  lsn: '0/3000148',
  lagBytes: 0,
  lagMs: 0,
  upstream: 'host1',
  receiver: {
    status: 'streaming',
    senderHost: '10.0.0.1',
    senderPort: 5432,
    receivedTimeline: 3,
    lastMessageAgeMs: 120,
    latestEndLsn: '0/3000148',
  },
  senders: [],
  replicationState: 'streaming',
  syncState: 'async',
  readOnly: null,
  replayPaused: false,
  backendsUsed: 7,
  backendsMax: 100,
  probeMs: 0.4,
  availability: null,
  ...said,
})

export const primary = (name: string, said: Partial<HostState> = {}): HostState =>
  host(name, {
    role: 'primary',
    lagBytes: null,
    lagMs: null,
    upstream: null,
    receiver: null,
    replicationState: null,
    syncState: null,
    readOnly: false,
    replayPaused: null,
    ...said,
  })

export const unavailable = (name: string, said: Partial<HostState> = {}): HostState =>
  host(name, {
    role: 'unavailable',
    cause: 'refused',
    detail: 'connect ECONNREFUSED 10.0.0.1:5432',
    lsn: null,
    lagBytes: null,
    lagMs: null,
    upstream: null,
    receiver: null,
    replicationState: null,
    syncState: null,
    replayPaused: null,
    backendsUsed: null,
    backendsMax: null,
    probeMs: null,
    ...said,
  })

const rules = {primary: 'V4', 'no-primary': 'V5', 'split-brain': 'V1', unconfirmed: 'V3', starting: 'V0'} as const

export function verdict(kind: Verdict['kind'], primaries: readonly string[], why: string, said: Partial<Verdict> = {}): Verdict {
  const one = primaries.length === 1 ? (primaries[0] ?? null) : null
  const routedTo = kind === 'primary' ? one : null
  return {kind, rule: rules[kind], primary: one, primaries, routedTo, suspect: null, blind: [], why, since: wallStart, ...said}
}

export const group = (name: string, hosts: readonly string[], judged: Verdict): GroupState => ({name, hosts, verdict: judged, evidence: []})

export const snapshot = (hosts: readonly HostState[], groups: readonly GroupState[], said: Partial<Snapshot> = {}): Snapshot => ({
  epoch: '9f2c41',
  sequence: 1,
  at: wallStart,
  ready: true,
  version: '0.1.0',
  maxAgeMs: 3000,
  groups: Object.fromEntries(groups.map((item) => [item.name, item])),
  hosts: Object.fromEntries(hosts.map((item) => [item.host, item])),
  ...said,
})

/** Three hosts, host1 leads. */
export const calm = (): Snapshot =>
  snapshot(
    [primary('host1'), host('host2', {syncState: 'sync'}), host('host3', {lagBytes: 16_777_216, lagMs: 4200})],
    [
      group(
        'all',
        ['host1', 'host2', 'host3'],
        verdict('primary', ['host1'], 'host1 is the only primary; 2 of 2 other hosts stream from it'),
      ),
    ],
  )

/** host2 was promoted while host1 lives on; host3 is gone. */
export const torn = (): Snapshot => {
  const why = 'host1 (timeline 3) and host2 (timeline 4) are both primary; host1 looks stale: host2 is on a higher timeline'
  return snapshot(
    [primary('host1'), primary('host2', {timeline: 4}), unavailable('host3')],
    [group('all', ['host1', 'host2', 'host3'], verdict('split-brain', ['host1', 'host2'], why, {suspect: 'host1'}))],
  )
}

/** A source that shows what it is told to. */
export class Stage implements SnapshotSource {
  #snapshot: Snapshot
  #listeners = new Set<(publication: Publication) => void>()
  disposed = 0

  constructor(first: Snapshot) {
    this.#snapshot = first
  }

  get listening(): number {
    return this.#listeners.size
  }

  current(): Snapshot {
    return this.#snapshot
  }

  subscribe(listener: (publication: Publication) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Numbers grew; nothing changed. */
  sample(next: Snapshot): void {
    this.#snapshot = {...next, sequence: this.#snapshot.sequence + 1}
  }

  publish(next: Snapshot): void {
    const before = this.#snapshot
    const hosts = Object.values(next.hosts).flatMap((after) => changesOfHost(before.hosts[after.host], after))
    const groups = Object.values(next.groups).flatMap((after) => changesOfGroup(before.groups[after.name], after))
    this.sample(next)
    for (const listener of this.#listeners) listener({changes: [...hosts, ...groups], snapshot: this.#snapshot})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed += 1
  }
}
