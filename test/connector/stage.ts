import {onTestFinished} from 'vitest'
import {RoutedConnector} from '../../src/connector/connector.ts'
import type {ConnectorEvents} from '../../src/connector/events.ts'
import type {Database, DatabaseOptions} from '../../src/connector/types.ts'
import type {HostState} from '../../src/core/snapshot.ts'
import {type FakeSource, fakeSource} from '../support/fake-source.ts'
import {seededRandom} from '../support/seeded-random.ts'
import {type HostDraft, primary, type SnapshotDraft, standby, type VerdictDraft} from '../support/snapshots.ts'
import {VirtualClock} from '../support/virtual-clock.ts'
import {type FakeNetwork, fakeNetwork} from './fake-pg.ts'
import type {FakeServer} from './fake-server.ts'

export type ConnectorStage = Readonly<{
  clock: VirtualClock
  network: FakeNetwork
  source: FakeSource
  connector: RoutedConnector
  db: Database
  server: (name: string) => FakeServer
  /** Publishes a snapshot of these hosts, asked now; those left out are standbys that follow. */
  publish: (hosts: Readonly<Record<string, HostDraft>>, verdict?: VerdictDraft) => void
  /** The same for steady answers: the source has them, and tells no subscriber. */
  answer: (hosts: Readonly<Record<string, HostDraft>>) => void
  /** What was told, in words: `switch host1 > host2`. */
  told: string[]
}>

const names = ['host1', 'host2', 'host3']

/** A connector over fake servers and a virtual clock, which is closed when the test is over. */
export function connectorStage(options: DatabaseOptions = {}, seed = 1): ConnectorStage {
  const stage = openStage(options, seed)
  onTestFinished(async () => {
    await stage.clock.through(stage.connector.close({grace: '1ms'}))
  })
  return stage
}

/** The same for callers that close it. host1 is the primary, as published. */
export function openStage(options: DatabaseOptions, seed: number): ConnectorStage {
  const clock = new VirtualClock()
  const network = fakeNetwork(clock, names)
  const server = (name: string) => network.servers.get(name) as FakeServer
  server('host1').isStandby = false
  const draft = (hosts: Readonly<Record<string, HostDraft>>, verdict?: VerdictDraft): SnapshotDraft => ({
    hosts: Object.fromEntries(
      names.map((name) => {
        const host = hosts[name] ?? standby()
        return [name, {...host, askedAt: clock.now(), port: server(name).port} as HostDraft]
      }),
    ),
    ...(verdict && {verdict}),
  })
  const source = fakeSource(draft({host1: primary()}))
  const opened = {source, isOwn: false, fallback: () => 'primary' as const, reload: null}
  const random = seededRandom(seed)
  const connector = new RoutedConnector(
    {databases: {default: {pool: {connectionTimeoutMillis: 0, idleTimeoutMillis: 0}, ...options}}},
    {opened, pg: network.module, clock, random},
  )
  const db = connector.use()
  const told: string[] = []
  listen(db, told)
  const publish = (hosts: Readonly<Record<string, HostDraft>>, verdict?: VerdictDraft) =>
    void source.publish(draft(hosts, verdict))
  const answer = (hosts: Readonly<Record<string, HostDraft>>) => void source.set(draft(hosts))
  return {clock, network, source, connector, db, server, publish, answer, told}
}

function listen(db: Database, told: string[]): void {
  const words: {[E in keyof ConnectorEvents]: (event: ConnectorEvents[E]) => string} = {
    switch: ({from, to}) => `${from} > ${to}`,
    suspect: ({host}) => host,
    back: ({host}) => host,
    retry: ({host, kind}) => `${kind} ${host}`,
    unknown: ({host}) => host,
    fallback: ({to}) => to,
    waiting: ({count}) => String(count),
  }
  for (const event of Object.keys(words) as (keyof ConnectorEvents)[])
    db.on(event, (happened) => told.push(`${event} ${(words[event] as (event: unknown) => string)(happened)}`))
}

/** How a promise ended: its value's host, or the error. */
export type Settled = {
  state: 'pending' | 'done' | 'failed'
  host?: string
  error?: Error & {kind?: string; code?: string}
}

export function watch(work: Promise<{host: string}>): Settled {
  const settled: Settled = {state: 'pending'}
  work.then(
    ({host}) => Object.assign(settled, {state: 'done', host}),
    (error) => Object.assign(settled, {state: 'failed', error}),
  )
  return settled
}

export type {HostState}
