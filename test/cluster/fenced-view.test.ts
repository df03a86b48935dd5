import {expect, test} from 'vitest'
import {fencedView} from '../../src/cluster/fenced-view.ts'
import {changeOfVerdict} from '../../src/core/changes.ts'
import type {Publication} from '../../src/core/snapshot.ts'
import {fakeSource} from '../support/fake-source.ts'
import {primary, type SnapshotDraft, snapshot, unavailable} from '../support/snapshots.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

const lost: SnapshotDraft = {hosts: {host1: unavailable()}}
const found: SnapshotDraft = {hosts: {host1: primary()}}

/** What a hook hears while the lease is valid, or not. */
function heardBy() {
  const source = fakeSource(found)
  const heard: string[] = []
  let isValid = true
  const clock = new VirtualClock()
  const end = fencedView(source, {isValid: () => isValid, clock}).subscribe(({changes}: Publication) => {
    heard.push(...changes.map(({kind, to}) => `${kind} ${to}`))
  })
  const publish = (draft: SnapshotDraft) => {
    const next = snapshot(draft)
    const changes = Object.values(next.groups).map((group) => changeOfVerdict(group, 'starting'))
    source.publish(draft, ...changes)
  }
  return {heard, publish, clock, end, setValid: (is: boolean) => (isValid = is)}
}

test('without a valid lease nothing is told, and with it again what happened meanwhile', () => {
  const {heard, publish, setValid} = heardBy()
  publish(found)
  expect(heard).toEqual(['verdict primary'])
  setValid(false)
  publish(lost)
  expect(heard).toHaveLength(1)
  setValid(true)
  publish(found)
  expect(heard).toEqual(['verdict primary', 'verdict no-primary', 'verdict primary'])
})

test('what happened meanwhile in a group that another instance owns by then is its to tell', () => {
  const {heard, publish, setValid} = heardBy()
  setValid(false)
  publish(lost)
  setValid(true)
  publish({hosts: {}, groups: {}} as SnapshotDraft)
  expect(heard).toEqual([])
})

test('with the lease again, what happened meanwhile is told though nothing else happens', async () => {
  const {heard, publish, clock, end, setValid} = heardBy()
  setValid(false)
  publish(lost)
  await clock.run(10_000)
  expect(heard).toEqual([])
  setValid(true)
  await clock.run(1_000)
  expect(heard).toEqual(['verdict no-primary'])
  expect(clock.pending).toBe(0)
  setValid(false)
  publish(lost)
  end()
  expect(clock.pending).toBe(0)
})
