import {expect, test} from 'vitest'
import {Feed} from '../../src/ui/events/feed.ts'
import type {Frame} from '../../src/ui/frame.ts'
import {VirtualClock} from '../support/virtual-clock.ts'
import {calm, headless, Stage, torn} from './stage.ts'

function feeding(everyMs = 1000) {
  const clock = new VirtualClock()
  const stage = new Stage(calm())
  const frames: Frame[] = []
  const feed = new Feed({source: stage, clock, everyMs, show: (frame) => frames.push(frame)})
  feed.start()
  return {clock, stage, frames, feed}
}

test('at rest it draws once a second, for the ages', async () => {
  const {clock, frames} = feeding()
  await clock.run(10_500)
  expect(frames.length).toBe(11)
})

test('at rest it draws no more often when it is told to look more often', async () => {
  const {clock, frames} = feeding(100)
  await clock.run(10_500)
  expect(frames.length).toBeLessThanOrEqual(12)
})

test('a change is drawn at once, not at the next tick', async () => {
  const {clock, stage, frames} = feeding(10_000)
  await clock.run(5000)
  stage.publish(torn())
  await clock.run(1)
  expect(frames.at(-1)?.snapshot.groups.all?.verdict.kind).toBe('split-brain')
})

test('a storm of changes makes ten frames a second, and the last of them shows the end of it', async () => {
  const {clock, stage, frames} = feeding(100)
  for (let index = 0; index < 1000; index++) {
    stage.publish(index % 2 === 0 ? torn() : headless())
    await clock.run(3)
  }
  expect(frames.length).toBeLessThanOrEqual(31)
  stage.publish(calm())
  await clock.run(100)
  expect(frames.at(-1)?.snapshot).toBe(stage.current())
  expect(frames.at(-1)?.changes).toHaveLength(1000)
})

test('changes are kept newest first, with the time at which they were heard', async () => {
  const {clock, stage, frames} = feeding()
  await clock.run(100)
  const at = clock.wall()
  stage.publish(torn())
  await clock.run(200)
  expect(frames.at(-1)?.changes[0]).toMatchObject({at, change: {kind: 'verdict', to: 'split-brain'}})
})

test('each answer counts once in the history of probes', async () => {
  const {clock, stage, frames} = feeding(100)
  const asked = (askedAt: number, probeMs: number | null) => {
    const shown = calm()
    const {host1} = shown.hosts
    if (host1) stage.sample({...shown, hosts: {host1: {...host1, askedAt, probeMs}}})
    return clock.run(200)
  }
  await asked(1, 0.5)
  await asked(1, 0.5)
  await asked(2, null)
  await asked(3, 0.7)
  expect(frames.at(-1)?.probes.get('host1')?.slice(-3)).toEqual([0.5, null, 0.7])
})

test('another tempo holds from now on, and nothing is left running afterwards', async () => {
  const {clock, stage, frames, feed} = feeding(10_000)
  await clock.run(100)
  feed.everyMs = 200
  stage.sample(calm())
  await clock.run(250)
  expect(frames.at(-1)?.snapshot).toBe(stage.current())
  feed.stop()
  expect([clock.pending, stage.listening]).toEqual([0, 0])
})
