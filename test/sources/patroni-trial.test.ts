import {expect, onTestFinished, test} from 'vitest'
import type {GroupSettings, PatroniSettings} from '../../src/core/settings.ts'
import {patroniText, tryPatroni} from '../../src/sources/patroni/connection-test.ts'
import {systemClock} from '../../src/system/clock.ts'
import {groupSettings, probeSettings} from '../support/settings.ts'
import {FakeMember} from './patroni-member.ts'

const steady = 'patroni414-01-steady'

async function tried(patroni: Partial<PatroniSettings> = {}, group: Partial<GroupSettings> = {}, leaseMs?: number) {
  const members = await Promise.all(['node1', 'node2'].map((node) => FakeMember.start(steady, node)))
  for (const member of members) onTestFinished(() => member[Symbol.asyncDispose]())
  const urls = members.map(({url}) => url)
  const files = {caFile: null, certFile: null, keyFile: null}
  const settings = {scope: 'pg4', namespace: '/service', urls, etcd: null, via: 'both', members: {}, ...files} as const
  const groups = [groupSettings('all', ['host1', 'host2'], {patroni: {...settings, ...patroni}, ...group})]
  const guard = leaseMs === undefined ? null : {leaseMs}
  const deps = {clock: systemClock, random: Math.random}
  const trials = await tryPatroni({groups, probe: probeSettings, guard}, deps)
  return {trials, urls}
}

test('config check --connect: the members answer, and one of them leads', async () => {
  const {trials, urls} = await tried()
  expect(trials).toEqual([{group: 'all', leader: urls[0], problems: []}])
  expect(patroniText(trials)).toEqual([`all  patroni: ${urls[0]} leads`])
})

test('a member that is not there, another scope and an etcd that is away are told', async () => {
  const etcd = {api: 'v3', endpoints: ['http://127.0.0.1:9'], user: null, passwordFile: null} as const
  const files = {caFile: null, certFile: null, keyFile: null}
  const {trials} = await tried({urls: ['http://127.0.0.1:9'], etcd: {...etcd, ...files}})
  expect(trials[0]?.leader).toBeNull()
  expect(trials[0]?.problems).toMatchObject([
    expect.stringContaining('http://127.0.0.1:9 cannot be asked'),
    expect.stringContaining('the leader key cannot be asked'),
  ])
  const {trials: strange} = await tried({scope: 'main'})
  expect(strange[0]?.problems).toHaveLength(2)
  expect(strange[0]?.problems[0]).toContain('belongs to the scope pg4')
})

test('a hold that may outlive the lock is refused with the bound of this cluster', async () => {
  expect((await tried({}, {onSilent: {holdMs: 15_000}})).trials[0]?.problems).toEqual([])
  const {trials} = await tried({}, {onSilent: {holdMs: 15_001}})
  expect(trials[0]?.problems).toEqual([
    "on_silent holds 15001ms, and Patroni's lock may have ended by then: the most is 15s " +
      '(ttl 20s less loop_wait 2s and probe.max_age 3s)',
  ])
})

test('failover_after and the lease of a guard are compared with the pace of this cluster', async () => {
  expect((await tried({}, {failoverAfterMs: 20_000}, 17_999)).trials[0]?.problems).toEqual([])
  const {trials} = await tried({}, {failoverAfterMs: 20_001}, 18_000)
  expect(trials[0]?.problems).toEqual([
    'failover_after is 20001ms, and Patroni promotes another member after 20s (its ttl): ' +
      'write that, or leave failover_after out',
    'guard.lease is 18s, and Patroni may promote another member after 18s (ttl 20s less loop_wait 2s): ' +
      'shorten the lease',
  ])
})
