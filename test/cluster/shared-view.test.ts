import {expect, test} from 'vitest'
import type {Part} from '../../src/cluster/part.ts'
import {untoldPart} from '../../src/cluster/part.ts'
import {SharedView} from '../../src/cluster/shared-view.ts'
import type {Clock} from '../../src/core/ports.ts'
import type {Publication} from '../../src/core/snapshot.ts'

const groups = ['g1', 'g2', 'g3'].map((name) => ({name, hosts: [`${name}h1`]}))
const publicationMs = 10

/** A view whose listener takes 10 ms for each publication. */
function busyView() {
  let now = 1_000
  const timers = new Map<() => void, number>()
  const clock: Clock = {
    now: () => now,
    wall: () => now,
    after(ms, run) {
      timers.set(run, now + ms)
      return () => void timers.delete(run)
    },
  }
  const parts = new Map<string, Part>(groups.map((group) => [group.name, untoldPart(group, new Map(), 0)]))
  const view = new SharedView({
    groups,
    hosts: [],
    maxAgeMs: 3_000,
    clock,
    log: {error: () => {}},
    epoch: 'e',
    version: 'test',
    partOf: (group) => parts.get(group) ?? null,
    refresh: () => [],
    maintenance: () => null,
  })
  const told: Publication[] = []
  view.subscribe((publication) => {
    told.push(publication)
    now += publicationMs
  })
  return {
    view,
    told,
    /** The group has another verdict, and its source says so. */
    change(name: string) {
      const part = parts.get(name) as Part
      const verdict = {...part.group.verdict, kind: 'no-primary', rule: 'V5', situation: 'no-primary'} as const
      parts.set(name, {...part, group: {...part.group, verdict} as Part['group']})
      view.changed([name])
    },
    pass(ms: number) {
      now += ms
      for (const [run, at] of timers)
        if (at <= now) {
          timers.delete(run)
          run()
        }
    },
  }
}

const groupsIn = ({changes}: Publication) => changes.map(({group}) => group)

test('many changes at once: the first is told at once, and the others together', () => {
  const {told, change, pass} = busyView()
  for (const {name} of groups) change(name)
  expect(told.map(groupsIn)).toEqual([['g1']])
  pass(4 * publicationMs)
  expect(told.map(groupsIn)).toEqual([['g1'], ['g2', 'g3']])
  // Actuators measure a switch from when it was seen, and not from when it was told.
  expect(told[1]?.seenAt).toBe(1_000 + publicationMs)
})

test('who asks meanwhile gets all of it', () => {
  const {view, change} = busyView()
  for (const {name} of groups) change(name)
  expect(Object.values(view.current().groups).map(({verdict}) => verdict.rule)).toEqual(['V5', 'V5', 'V5'])
})

test('what concerns every group is told at once', () => {
  const {view, told, change} = busyView()
  for (const {name} of groups) change(name)
  view.changed(null)
  expect(told.map(groupsIn)).toEqual([['g1'], ['g2', 'g3']])
})
