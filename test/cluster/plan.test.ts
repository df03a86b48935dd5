import {describe, expect, test} from 'vitest'
import {ranked} from '../../src/cluster/ownership.ts'
import {dutyOf, portionsOf, type TurnView} from '../../src/cluster/plan.ts'
import type {GroupRecord, Instance} from '../../src/cluster/record.ts'
import {nothingRemembered} from '../../src/core/verdict/group-memory.ts'

const instance = (id: string, more: Partial<Instance> = {}): Instance => ({
  id,
  session: `${id}-1`,
  url: `https://${id}`,
  version: '0.1.0',
  configHash: 'c1',
  isLeaving: false,
  routers: [],
  ...more,
})
const all = ['lb1', 'lb2', 'lb3'].map((id) => instance(id))
const [first, second, third] = ranked('orders', all) as [Instance, Instance, Instance]
const ownedBy = (owner: Instance, more: Partial<GroupRecord> = {}): GroupRecord => ({
  owner,
  epoch: 1,
  next: null,
  configHash: owner.configHash,
  memory: nothingRemembered,
  ...more,
})
const dead = instance('lb9')

type Row = Readonly<{
  given: string
  us: Instance
  record: GroupRecord | 'unreadable' | null
  instances?: readonly Instance[]
  isReady?: boolean
  more?: Partial<TurnView>
  does: string
}>

describe('what an instance does for a group', () => {
  const rows: readonly Row[] = [
    {given: 'a group that no instance ever owned goes to the first', us: first, record: null, does: 'claim'},
    {given: 'and not to the second', us: second, record: null, does: 'none'},
    {
      given: 'the second probes it where the set has a standby',
      us: second,
      record: null,
      more: {hasStandby: true},
      does: 'warm',
    },
    {given: 'the owner keeps it', us: second, record: ownedBy(second), does: 'own'},
    {
      given: 'an earlier run of the owner is dead',
      us: first,
      record: ownedBy({...first, session: 'old'}),
      does: 'claim',
    },
    {given: 'the owner is dead', us: first, record: ownedBy(dead), does: 'claim'},
    {given: 'another one owns it: the first begins to probe', us: first, record: ownedBy(second), does: 'warm'},
    {given: 'and asks once it is ready', us: first, record: ownedBy(second), isReady: true, does: 'ask'},
    {given: 'and asks once only', us: first, record: ownedBy(second, {next: first}), isReady: true, does: 'warm'},
    {given: 'the owner gives to the one that asks', us: second, record: ownedBy(second, {next: first}), does: 'give'},
    {given: 'not to one that is dead', us: second, record: ownedBy(second, {next: dead}), does: 'own'},
    {
      given: 'not to one that leaves',
      us: second,
      record: ownedBy(second, {next: first}),
      instances: [{...first, isLeaving: true}, second, third],
      does: 'own',
    },
    {
      given: 'what leaves takes nothing',
      us: {...first, isLeaving: true},
      record: ownedBy(dead),
      instances: [{...first, isLeaving: true}, second, third],
      does: 'none',
    },
    {
      given: 'the standby of another owner',
      us: third,
      record: ownedBy(first),
      more: {hasStandby: true},
      instances: [first, third],
      does: 'warm',
    },
    {given: 'a record of a later version is left alone', us: first, record: 'unreadable', does: 'none'},
    {
      given: 'before it has joined, an instance does nothing',
      us: first,
      record: null,
      instances: [second, third],
      does: 'none',
    },
    {
      given: 'the owner is dead, and an instance with its configuration lives',
      us: instance('lb8', {configHash: 'c2'}),
      record: ownedBy(dead),
      instances: [second, instance('lb8', {configHash: 'c2'})],
      does: 'none',
    },
    {
      given: 'and none lives any longer',
      us: instance('lb8', {configHash: 'c2'}),
      record: ownedBy(dead),
      instances: [instance('lb8', {configHash: 'c2'})],
      does: 'claim',
    },
    {
      given: 'the owner lives with another configuration',
      us: instance('lb8', {configHash: 'c2'}),
      record: ownedBy(second),
      instances: [second, instance('lb8', {configHash: 'c2'})],
      isReady: true,
      does: 'none',
    },
    {
      given: 'and an operator adopted ours',
      us: instance('lb8', {configHash: 'c2'}),
      record: ownedBy(second),
      instances: [second, instance('lb8', {configHash: 'c2'})],
      isReady: true,
      more: {adopted: 'c2'},
      does: 'ask',
    },
    {
      given: 'an operator adopted another configuration, and it lives: nothing is claimed',
      us: first,
      record: ownedBy(dead),
      instances: [first, instance('lb8', {configHash: 'c2'})],
      more: {adopted: 'c2'},
      does: 'none',
    },
    {
      given: 'to an instance with the adopted configuration the owner gives',
      us: second,
      record: ownedBy(second, {next: instance('lb8')}),
      instances: [second, instance('lb8', {configHash: 'c2'})],
      more: {adopted: 'c2'},
      does: 'give',
    },
    {
      given: 'to one with another configuration it does not',
      us: second,
      record: ownedBy(second, {next: instance('lb8')}),
      instances: [second, instance('lb8', {configHash: 'c2'})],
      does: 'own',
    },
  ]
  test.each(rows)('$given: $does', ({us, record, instances = all, isReady = false, more, does}) => {
    const view = {us, instances, adopted: null, hasStandby: false, ...more}
    expect(dutyOf({group: 'orders', record, isReady}, view).kind).toBe(does)
  })
})

test('a thousand groups are spread evenly, and only those of an instance that goes move', () => {
  const groups = Array.from({length: 1_000}, (_, index) => `group${index}`)
  const owner = (group: string, instances: readonly Instance[]) => ranked(group, instances)[0]?.id
  const shares = Map.groupBy(groups, (group) => owner(group, all))
  for (const share of shares.values()) expect(share.length).toBeGreaterThan(250)
  const [, ...rest] = all
  const moved = groups.filter((group) => owner(group, all) !== owner(group, rest))
  expect(moved).toEqual(shares.get('lb1'))
})

test('portions', () => {
  expect(portionsOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]])
  expect(portionsOf([], 60)).toEqual([])
})
