import {Registry} from 'prom-client'
import {expect, test} from 'vitest'
import {GroupTime} from '../../src/api/counters/group-time.ts'
import {primary, snapshot, standby, unavailable} from '../support/snapshots.ts'

test('each verdict is counted for as long as it lasts, and the counters exist from the first scrape on', async () => {
  const registry = new Registry()
  const times = new GroupTime([registry])
  const secondsOf = async (name: string) =>
    Number(
      new RegExp(`^pgroute66_${name}_seconds_total\\{group="all"\\} (.*)$`, 'm').exec(await registry.metrics())?.[1],
    )
  const all = async () => [await secondsOf('writable'), await secondsOf('no_primary'), await secondsOf('split_brain')]
  times.seen(snapshot({hosts: {host1: primary(), host2: standby()}}), 1_000)
  expect(await all()).toEqual([0, 0, 0])
  times.seen(snapshot({hosts: {host1: unavailable(), host2: standby()}}), 3_500)
  expect(await all()).toEqual([2.5, 0, 0])
  times.seen(snapshot({hosts: {host1: primary(), host2: primary()}}), 4_000)
  times.seen(snapshot({hosts: {host1: primary(), host2: primary()}}), 6_000)
  expect(await all()).toEqual([2.5, 0.5, 2])
  times.seen(snapshot({hosts: {host1: primary(), host2: standby()}, groups: {other: ['host1']}}), 7_000)
  times.seen(snapshot({hosts: {host1: primary()}, groups: {other: ['host1']}}), 9_000)
  expect(await all()).toEqual([2.5, 0.5, 3])
})
