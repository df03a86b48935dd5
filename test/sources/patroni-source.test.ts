import {describe, expect, onTestFinished, test} from 'vitest'
import type {GroupView, Member} from '../../src/core/facts/group-view.ts'
import type {Log} from '../../src/core/ports.ts'
import type {OnSilent, PatroniSettings} from '../../src/core/settings.ts'
import {silentLog} from '../../src/core/silent-log.ts'
import {PatroniSource} from '../../src/sources/patroni/patroni-source.ts'
import {systemClock} from '../../src/system/clock.ts'
import {primary, standby, viewOf} from '../support/records.ts'
import {probeSettings} from '../support/settings.ts'
import {FakeMember} from './patroni-member.ts'
import {recorded} from './patroni-stage.ts'
import {until} from './pg-until.ts'

const steady = 'patroni414-01-steady'
const cluster = '7713347123608339929'
const nodes = ['node1', 'node2', 'node3']
const hosts = ['host1', 'host2', 'host3']

/** A cluster as `state` was recorded; host1 is the primary by SQL. */
function viewNow(names = hosts): GroupView {
  const records = names.map((name, index) =>
    index === 0 ? primary(name, {cluster}) : standby(name, {cluster, of: 'host1'}),
  )
  return {...viewOf(records), now: systemClock.now()}
}

type Options = Readonly<{
  settings?: Partial<PatroniSettings>
  onSilent?: OnSilent
  failoverAfterMs?: number
  intervalMs?: number
  log?: Log
  nodes?: readonly string[]
}>

async function staged(options: Options = {}) {
  const {settings = {}, onSilent = 'deny', failoverAfterMs = null, log = silentLog} = options
  const {nodes: played = nodes, intervalMs = 30} = options
  const members = await Promise.all(played.map((node) => FakeMember.start(steady, node)))
  for (const member of members) onTestFinished(() => member[Symbol.asyncDispose]())
  const source = new PatroniSource({
    group: {name: 'all', onSilent, failoverAfterMs},
    settings: {
      scope: 'pg4',
      namespace: '/service',
      etcd: null,
      via: 'both',
      urls: members.map(({url}) => url),
      caFile: null,
      certFile: null,
      keyFile: null,
      members: {host1: 'node1', host2: 'node2', host3: 'node3'},
      ...settings,
    },
    probe: {...probeSettings, intervalMs},
    clock: systemClock,
    random: Math.random,
    log,
  })
  onTestFinished(() => source[Symbol.asyncDispose]())
  const assess = (view = viewNow(), index = 0) => source.assess(view.members[index] as Member, view)
  const [leader, second, third] = members as [FakeMember, FakeMember, FakeMember]
  return {source, assess, leader, second, third, members}
}

/** As Patroni 4.1 lists its members. */
const listed = (members: readonly FakeMember[]) => ({
  members: members.map(({url}, index) => ({
    name: nodes[index],
    role: index === 0 ? 'leader' : 'replica',
    state: 'running',
    api_url: `${url}/patroni`,
    host: hosts[index],
    port: 5432,
  })),
})

describe('asking', () => {
  test('the leader is confirmed, and the answer counts for max_age', async () => {
    const {assess} = await staged()
    const said = await until(assess, ({answer}) => answer === 'confirms')
    expect(said).toMatchObject({subject: 'host1', why: 'node1 holds the leader lock'})
    expect((said.freshUntil ?? 0) - (said.askedAt ?? 0)).toBeGreaterThan(0)
    expect(said.freshUntil ?? 0).toBeLessThanOrEqual(systemClock.now() + probeSettings.maxAgeMs)
  })

  test('a change is news at once, and the same answer again is none', async () => {
    const {source, assess, leader, second, members} = await staged()
    await until(assess, ({answer, holdAtMostMs}) => answer === 'confirms' && holdAtMostMs !== 0)
    await until(
      () => members.map(({rounds}) => rounds),
      (rounds) => rounds.every((count) => count > 2),
    )
    let news = 0
    source.subscribe((group) => {
      expect(group).toBe('all')
      news += 1
    })
    const before = leader.rounds
    await until(
      () => leader.rounds,
      (rounds) => rounds > before + 3,
    )
    expect(news).toBe(0)
    second.says(steady, 'node2', {role: 'primary'}, 200)
    await until(
      () => news,
      (count) => count > 0,
    )
    expect(assess()).toMatchObject({answer: 'denies', subject: 'host2'})
  })

  test('a member that hangs has one request at most, is silent, and is asked again once it answers', async () => {
    const {assess, leader, second} = await staged()
    await until(assess, ({answer}) => answer === 'confirms')
    leader.plays = 'hangs'
    const said = await until(assess, ({answer}) => answer === 'silent')
    expect(said.why).toContain('node1')
    const before = second.rounds
    await until(
      () => second.rounds,
      (rounds) => rounds > before + 10,
    )
    expect([leader.open, leader.mostOpen]).toEqual([1, 1])
    leader.thaw()
    await until(assess, ({answer}) => answer === 'confirms')
    expect(leader.mostOpen).toBe(1)
  })

  test('a new primary is asked about at once, and once; a question that is out is asked again after it', async () => {
    const {assess, members, leader} = await staged({intervalMs: 3_600_000})
    const rounds = (count: number) =>
      until(
        () => members.map((member) => member.rounds),
        (counts) => counts.every((one) => one === count),
      )
    await rounds(1)
    assess()
    await rounds(2)
    assess()
    leader.plays = 'hangs'
    const promoted = (timeline: number) => ({
      ...viewOf([standby('host1', {cluster, of: 'host2'}), primary('host2', {cluster, timeline}), standby('host3')]),
      now: systemClock.now(),
    })
    const [second, third] = [promoted(8), promoted(9)]
    assess(second, 1)
    await rounds(3)
    assess(third, 1)
    leader.thaw()
    await rounds(4)
    expect(members.map(({mostOpen}) => mostOpen)).toEqual([1, 1, 1])
  })

  test('a member that closes the connection is silent, and the others are not', async () => {
    const {assess, leader, second} = await staged()
    await until(assess, ({answer}) => answer === 'confirms')
    leader.plays = 'closes'
    await until(assess, ({why}) => why.includes('closed the connection'))
    second.says(steady, 'node2', {role: 'primary'}, 200)
    await until(assess, ({answer, subject}) => answer === 'denies' && subject === 'host2')
  })

  test('no question goes on once it has ended', async () => {
    const {source, assess, members} = await staged()
    await until(assess, ({answer}) => answer === 'confirms')
    await source[Symbol.asyncDispose]()
    await until(
      () => members.map(({open}) => open),
      (open) => open.every((count) => count === 0),
    )
    const pause = () => new Promise((resolve) => setTimeout(resolve, 300))
    // A question that left before the end may still be on its way.
    await pause()
    const before = members.map(({rounds}) => rounds)
    await pause()
    expect(members.map(({rounds}) => rounds)).toEqual(before)
  })
})

describe('H10: members', () => {
  test('where every host has its member, /cluster is never asked: it would make a stuck loop look fresh', async () => {
    const {assess, members} = await staged()
    await until(assess, ({answer}) => answer === 'confirms')
    await until(
      () => members[0]?.rounds ?? 0,
      (rounds) => rounds > 5,
    )
    expect(members.flatMap(({asked}) => asked).filter((path) => path === '/cluster')).toEqual([])
  })

  test('one URL is enough: the others are learned, and hosts found by the address of PostgreSQL', async () => {
    const {assess, leader, second, third, members} = await staged({settings: {members: {}}})
    const [first] = members
    const {source, assess: assessOne} = await staged({settings: {members: {}, urls: [first?.url ?? '']}})
    void source
    for (const member of members) member.bodies['/cluster'] = listed([leader, second, third])
    await until(assessOne, ({answer}) => answer === 'confirms')
    await until(assess, ({answer}) => answer === 'confirms')
    second.says(steady, 'node2', {role: 'primary'}, 200)
    await until(assessOne, ({answer, subject}) => answer === 'denies' && subject === 'host2')
  })

  test('a host that no member is makes Patroni silent, with what to do', async () => {
    const {assess} = await staged({settings: {members: {}}})
    await until(assess, ({why}) => why.includes('set patroni.members'))
    expect(assess().answer).toBe('silent')
  })
})

describe('H9: the pace of the cluster', () => {
  test('the hold is bounded by ttl, loop_wait and max_age; before they are known, nothing is held', async () => {
    const {assess, members} = await staged()
    expect(assess()).toMatchObject({holdAtMostMs: 0, promotionMs: 10_000})
    await until(assess, ({holdAtMostMs}) => holdAtMostMs === 15_000)
    expect(assess().promotionMs).toBe(2_000)
    expect(members.flatMap(({asked}) => asked).filter((path) => path === '/config').length).toBeLessThanOrEqual(3)
  })

  test('a hold that is longer is told once, with the bound', async () => {
    const told: string[] = []
    const log = {...silentLog, warn: (_: object, message: string) => void told.push(message)}
    const {assess, leader} = await staged({onSilent: {holdMs: 16_000}, log})
    await until(assess, ({holdAtMostMs}) => holdAtMostMs === 15_000)
    const before = leader.rounds
    await until(
      () => leader.rounds,
      (rounds) => rounds > before + 3,
    )
    expect(told).toEqual([
      "all: on_silent holds 16s, and Patroni's lock may have ended by then: the most is 15s " +
        '(ttl 20s less loop_wait 2s and probe.max_age 3s); it is held no longer',
    ])
  })
})

test('H9: a failover_after that the cluster contradicts is told once', async () => {
  const told: string[] = []
  const log = {...silentLog, warn: (_: object, message: string) => void told.push(message)}
  const {assess} = await staged({failoverAfterMs: 30_000, log})
  await until(assess, ({holdAtMostMs}) => holdAtMostMs === 15_000)
  expect(told).toEqual([
    'all: failover_after is 30s, and Patroni promotes another member after 20s (its ttl): ' +
      'write that, or leave failover_after out',
  ])
})

describe('H7: two members hold the lock', () => {
  test('it is logged once, after a second, with both names', async () => {
    const told: [object, string][] = []
    const log = {...silentLog, error: (fields: object, message: string) => void told.push([fields, message])}
    const {assess, second} = await staged({log})
    await until(assess, ({answer}) => answer === 'confirms')
    second.says(steady, 'node2', {role: 'primary'}, 200)
    await until(assess, ({why}) => why.includes('two members hold the lock'))
    expect(told).toEqual([
      [{group: 'all', members: ['node1', 'node2']}, 'all: two members of Patroni hold the leader lock'],
    ])
  })
})

describe('H5: failsafe mode', () => {
  test('the members of the cluster count, as its list tells', async () => {
    const state = 'etcd3-34-etcd-down-failsafe-on'
    const system = '7713338281729648413'
    const {assess, leader, second, third} = await staged({settings: {scope: 'pg'}})
    const view = () => ({
      ...viewOf(
        hosts.map((name, index) =>
          index === 0 ? primary(name, {cluster: system, timeline: 8}) : standby(name, {cluster: system}),
        ),
      ),
      now: systemClock.now(),
    })
    for (const member of [leader, second, third]) member.bodies['/cluster'] = listed([leader, second, third])
    await until(
      () => assess(view()),
      ({why}) => why.includes('belongs to the'),
    )
    for (const member of [leader, second, third])
      member.bodies['/failsafe'] = {a: '', b: '', c: '', d: '', e: '', f: ''}
    leader.says(state, 'node3', {database_system_identifier: system})
    second.says(state, 'node1')
    third.says(state, 'node2')
    await until(
      () => assess(view()),
      ({why}) => why.includes('only 3 of 6 members'),
    )
    expect(Object.keys(recorded[state] ?? {}).length).toBe(3)
  })
})
