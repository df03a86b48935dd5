import {expect, test} from 'vitest'
import type {GroupOwner} from '../../src/core/snapshot.ts'
import {ownersOf} from '../../src/core/words/owners.ts'
import {primary, snapshot, unavailable} from '../support/snapshots.ts'

const hosts = {a1: primary(), b1: primary(), c1: unavailable('stale'), d1: unavailable('refused')}

function owned(owners: Readonly<Record<string, GroupOwner | null | undefined>>) {
  const groups = Object.fromEntries(Object.keys(owners).map((name) => [name, [`${name}1`]]))
  const made = snapshot({hosts, groups})
  return ownersOf({
    ...made,
    groups: Object.fromEntries(
      Object.entries(made.groups).map(([name, group]) => {
        const owner = owners[name]
        return [name, owner === undefined ? group : {...group, owner}]
      }),
    ),
  })
}
const [lb1, lb2] = [
  {instance: 'lb1', epoch: 1},
  {instance: 'lb2', epoch: 3},
]

test.each([
  ['groups that are not shared', {a: undefined}, null],
  ['each group has its owner', {a: lb2, b: lb1, d: lb1}, 'lb1 tells of 2 groups, lb2 tells of 1 group'],
  [
    'an owner that is silent, and a group that was never told of',
    {a: lb1, b: null, c: lb2},
    'lb1 tells of 1 group; no instance tells of 2 groups',
  ],
  [
    'another instance stands in',
    {a: lb1, b: {...lb1, isStandingIn: true as const}},
    'lb1 tells of 2 groups; 1 of them in place of a silent owner',
  ],
])('%s', (_, owners, text) => {
  const told = owned(owners)
  expect(told?.text ?? null).toBe(text)
  if (told !== null) expect(told.isWhole).toBe(!/;/.test(told.text))
})
