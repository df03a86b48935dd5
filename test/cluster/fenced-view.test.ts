import {expect, test} from 'vitest'
import {fencedView} from '../../src/cluster/fenced-view.ts'
import {changeOfVerdict} from '../../src/core/changes.ts'
import type {Publication} from '../../src/core/snapshot.ts'
import {fakeSource} from '../support/fake-source.ts'
import {primary, type SnapshotDraft, snapshot, unavailable} from '../support/snapshots.ts'

const lost: SnapshotDraft = {hosts: {host1: unavailable()}}
const found: SnapshotDraft = {hosts: {host1: primary()}}

/** What a hook hears while the lease is valid, or not. */
function heardBy() {
  const source = fakeSource(found)
  const heard: string[] = []
  let isValid = true
  fencedView(source, () => isValid).subscribe(({changes}: Publication) => {
    heard.push(...changes.map(({kind, to}) => `${kind} ${to}`))
  })
  const publish = (draft: SnapshotDraft) => {
    const next = snapshot(draft)
    const changes = Object.values(next.groups).map((group) => changeOfVerdict(group, 'starting'))
    source.publish(draft, ...changes)
  }
  return {heard, publish, setValid: (is: boolean) => (isValid = is)}
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
