import {expect, onTestFinished, test} from 'vitest'
import {sourcesOf} from '../../src/core/evidence/wanted-source.ts'
import type {PeerSettings} from '../../src/core/settings.ts'
import {sleep} from '../../src/core/wait.ts'
import type {ViewedHost} from '../../src/protocol/view-reader.ts'
import type {Heard, PeerClient} from '../../src/sources/peer/client.ts'
import {peersOf} from '../../src/sources/peer/peers.ts'
import {memberIn, OURS, primary, standby, viewOf} from '../support/records.ts'
import {groupSettings, hostSettings, monitorSettings} from '../support/settings.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

const us = {epoch: 'ours', machineId: 'machine-0'}
const names = ['a', 'b', 'c']
const peerAt = (name: string): PeerSettings => ({
  kind: 'pgroute66',
  url: `https://${name}:8443`,
  caFile: null,
  certFile: null,
  keyFile: null,
  tokenFile: null,
  serverName: null,
})
const host = (name: string, role: ViewedHost['role']): ViewedHost => ({
  name,
  address: name,
  port: 5432,
  systemIdentifier: OURS,
  role,
  cause: null,
  timeline: 1,
  askedMsAgo: 0,
})

/** A peer in memory: what it answers, after how long, and how often it was asked. */
class FakePeer implements PeerClient {
  readonly #clock: VirtualClock
  readonly name: string
  asked = 0
  underWay = 0
  closed = 0
  afterMs = 1
  says: 'a' | 'b' | 'nothing' | 'trouble' = 'a'

  constructor(clock: VirtualClock, name: string) {
    this.#clock = clock
    this.name = name
  }

  async ask(group: string, signal: AbortSignal): Promise<Heard> {
    this.asked += 1
    this.underWay += 1
    await sleep(this.#clock, this.says === 'nothing' ? 1e9 : this.afterMs, signal)
    this.underWay -= 1
    if (signal.aborted) return {trouble: 'did not answer in time'}
    if (this.says === 'trouble') return {trouble: 'refuses connections'}
    const hosts = names.map((name) => host(name, name === this.says ? 'primary' : 'standby'))
    return {word: {kind: 'view', view: {epoch: this.name, machineId: this.name, group, hosts, isShut: false}}}
  }

  async close(): Promise<void> {
    this.closed += 1
  }
}

async function setUp(peers: readonly string[] = ['lb2', 'lb3']) {
  const clock = new VirtualClock()
  const clients = new Map(['lb2', 'lb3', 'lb4', 'w'].map((name) => [name, new FakePeer(clock, name)]))
  const of = (name: string) => clients.get(name) as FakePeer
  const made = peersOf({us, clock, client: ({url}) => of(new URL(url).hostname)})
  const sourcesIn = sourcesOf([made.kind])
  const settings = (urls: readonly string[], groups = ['all']) =>
    monitorSettings(
      names.map((name) => hostSettings(name)),
      {
        groups: groups.map((name) => groupSettings(name, names, {peers: urls.map(peerAt), confirm: ['peers']})),
      },
    )
  const news: string[] = []
  const sourcesFor = (urls: readonly string[], groups?: readonly string[]) => {
    const sources = sourcesIn(settings(urls, groups as string[])).map(({source}) => source)
    for (const source of sources) {
      source.subscribe((group) => void news.push(group))
      onTestFinished(() => clock.through(Promise.resolve(source[Symbol.asyncDispose]())))
    }
    return sources
  }
  const [source] = sourcesFor(peers)
  if (source === undefined) throw new Error('no source')
  const assess = (of = 'a', from = source) => {
    const hosts = names.map((name) => (name === of ? primary(name) : standby(name, {of})))
    const moved = hosts.map((record) => {
      const {observation} = record
      return observation === null ? record : {...record, observation: {...observation, askedAt: clock.now() - 10}}
    })
    const view = viewOf(moved, OURS, clock.now())
    return from.assess(memberIn(view, of), view)
  }
  return {clock, of, made, sourcesFor, source, assess, news}
}

test('before a peer was heard the source is silent, and the first answers are told', async () => {
  const {clock, made, assess, news} = await setUp()
  expect(assess()).toMatchObject({answer: 'silent', why: expect.stringMatching(/lb2:8443 was not heard yet/)})
  let isReady = false
  void made.heard().then(() => {
    isReady = true
  })
  await clock.run(0)
  expect(isReady).toBe(false)
  await clock.run(5)
  expect([isReady, news.length]).toEqual([true, 2])
  expect(assess()).toMatchObject({answer: 'confirms'})
})

test('at rest each peer is asked once an interval, and nothing is told', async () => {
  const {clock, of, assess, news} = await setUp()
  await clock.run(5)
  assess()
  const before = [news.length, of('lb2').asked]
  for (let seconds = 0; seconds < 10; seconds += 1) {
    await clock.run(1_000)
    expect(assess().answer).toBe('confirms')
  }
  expect(news.length).toBe(before[0])
  expect(of('lb2').asked - (before[1] ?? 0)).toBeLessThanOrEqual(10)
})

test('a new primary has its peers asked at once and ten times a second, for a minute', async () => {
  const {clock, of, assess} = await setUp()
  await clock.run(500)
  assess()
  const before = of('lb2').asked
  expect(assess('b').answer).toBe('denies')
  await clock.run(1)
  expect(of('lb2').asked).toBe(before + 1)
  of('lb2').says = 'b'
  of('lb3').says = 'b'
  await clock.run(110)
  expect(assess('b').answer).toBe('confirms')
  expect(assess('c').answer).toBe('denies')
  await clock.run(1_000)
  const hurried = of('lb2').asked - before
  expect(hurried).toBeGreaterThan(10)
  await clock.run(60_000)
  const settled = of('lb2').asked
  await clock.run(10_000)
  expect(of('lb2').asked - settled).toBeLessThanOrEqual(11)
})

test('a peer that comes up while a primary waits for it is heard within a tenth of a second', async () => {
  const {clock, of, assess} = await setUp(['lb2'])
  of('lb2').says = 'trouble'
  await clock.run(10_000)
  expect(assess().answer).toBe('silent')
  await clock.run(1_350)
  of('lb2').says = 'a'
  await clock.run(110)
  expect(assess().answer).toBe('confirms')
})

test('a frozen peer is silent: one question is under way, and its last answer ends with max_age', async () => {
  const {clock, of, assess} = await setUp(['lb2'])
  await clock.run(5)
  expect(assess()).toMatchObject({answer: 'confirms'})
  const {freshUntil = 0} = assess()
  of('lb2').says = 'nothing'
  for (let ms = 0; ms < 20_000; ms += 100) {
    await clock.run(100)
    expect(of('lb2').underWay).toBeLessThanOrEqual(1)
    if (clock.now() > freshUntil) expect(assess().answer).toBe('silent')
  }
  of('lb2').says = 'a'
  await clock.run(4_000)
  expect(assess().answer).toBe('confirms')
})

test('the age of an answer counts from its question: one that took long is old on arrival', async () => {
  const {clock, of, assess} = await setUp(['lb2'])
  const askedAt = clock.now()
  of('lb2').afterMs = 900
  await clock.run(950)
  expect(assess()).toMatchObject({answer: 'confirms', askedAt: askedAt, freshUntil: askedAt + 3_000})
})

test('one failed question takes nothing away from an answer that is still fresh', async () => {
  const {clock, of, assess} = await setUp(['lb2'])
  await clock.run(5)
  of('lb2').says = 'trouble'
  await clock.run(1_500)
  expect(assess()).toMatchObject({answer: 'confirms'})
  await clock.run(2_000)
  expect(assess()).toMatchObject({answer: 'silent', why: '1 of 2 name a (this daemon); lb2:8443 refuses connections'})
})

test('a reload keeps the source of an unchanged group; a changed one begins with what was heard', async () => {
  const {clock, source, sourcesFor, assess, of} = await setUp()
  await clock.run(5)
  expect(sourcesFor(['lb2', 'lb3'])).toEqual([source])
  const [changed] = sourcesFor(['lb2', 'lb3', 'lb4'])
  expect(changed).not.toBe(source)
  expect(assess('a', changed)).toMatchObject({answer: 'confirms', why: expect.stringMatching(/^3 of 4/)})
  await clock.through(Promise.resolve(source[Symbol.asyncDispose]()))
  // The new source uses the connections of the old one.
  expect(of('lb2').closed).toBe(0)
})

test('the groups share the connection to a peer, and the last of them ends it', async () => {
  const {clock, sourcesFor, of} = await setUp()
  const sources = sourcesFor(['lb2', 'lb3'], ['all', 'orders'])
  await clock.run(5)
  expect(sources.length).toBe(2)
  for (const source of sources) {
    expect(of('lb2').closed).toBe(0)
    await clock.through(Promise.resolve(source[Symbol.asyncDispose]()))
  }
  expect(of('lb2').closed).toBe(1)
  expect(clock.pending).toBe(0)
})
