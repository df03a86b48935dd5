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

test('no changes: one frame a second, for the ages', async () => {
  const {clock, frames} = feeding()
  await clock.run(10_500)
  expect(frames.length).toBe(11)
})

test('no changes: a shorter interval draws no more frames', async () => {
  const {clock, frames} = feeding(100)
  await clock.run(10_500)
  expect(frames.length).toBeLessThanOrEqual(12)
})

test('a change makes a frame at once, not at the next interval', async () => {
  const {clock, stage, frames} = feeding(10_000)
  await clock.run(5000)
  stage.publish(torn())
  await clock.run(1)
  expect(frames.at(-1)?.snapshot.groups.all?.verdict.kind).toBe('split-brain')
})

test('a storm of changes makes at most ten frames a second, and the last frame shows the end of it', async () => {
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

test('changes are kept newest first, each with the time at which it was received', async () => {
  const {clock, stage, frames} = feeding()
  await clock.run(100)
  const at = clock.wall()
  stage.publish(torn())
  await clock.run(200)
  expect(frames.at(-1)?.changes[0]).toMatchObject({at, change: {kind: 'verdict', to: 'split-brain'}})
})

test('each probe counts once in the sparkline', async () => {
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
  expect(frames.at(-1)?.histories.get('host1')?.probes.slice(-3)).toEqual([0.5, null, 0.7])
})

test('a new interval takes effect at once, and stop leaves no timer and no subscription', async () => {
  const {clock, stage, frames, feed} = feeding(10_000)
  await clock.run(100)
  feed.everyMs = 200
  stage.sample(calm())
  await clock.run(250)
  expect(frames.at(-1)?.snapshot).toBe(stage.current())
  feed.stop()
  expect([clock.pending, stage.listening]).toEqual([0, 0])
})
