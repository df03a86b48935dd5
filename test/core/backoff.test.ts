import {describe, expect, test} from 'vitest'
import {retries as routers} from '../../src/actuation/loop.ts'
import {retries as hooks} from '../../src/actuators/hook/retry.ts'
import {type Backoff, type BackoffPolicy, nextBackoff} from '../../src/core/backoff.ts'
import {reconnects as hosts} from '../../src/monitor/host-watch.ts'
import {reconnects as daemon} from '../../src/sources/daemon/daemon-source.ts'
import {retries as heartbeats} from '../../src/sources/pg/heartbeat-backoff.ts'

const always = (chance: number) => () => chance
const [least, most] = [always(0), always(1)]

function waits(policy: BackoffPolicy, random: () => number, caps: readonly number[]): readonly number[] {
  let backoff: Backoff | null = null
  return caps.map((capMs) => {
    backoff = nextBackoff({...policy, capMs}, backoff, random)
    return backoff.waitMs
  })
}

describe('waits between failed tries', () => {
  const policy = {firstMs: 50, capMs: 1_000, jitter: 0.5}
  test.each([
    {
      rule: 'double from the first one up to the cap',
      policy,
      random: most,
      waitsMs: [50, 100, 200, 400, 800, 1_000, 1_000],
    },
    {
      rule: 'lose at most the jittered share',
      policy,
      random: least,
      waitsMs: [25, 50, 100, 200, 400, 500, 500],
    },
    {
      rule: 'lie in between by chance',
      policy,
      random: always(0.5),
      waitsMs: [37.5, 75, 150, 300, 600, 750, 750],
    },
    {rule: 'do not depend on chance without jitter', policy: {...policy, jitter: 0}, random: least, waitsMs: [50, 100]},
    {rule: 'keep to a cap below the first wait', policy: {...policy, capMs: 20}, random: least, waitsMs: [10, 10, 10]},
    {
      rule: 'end at the cap even after a thousand failures',
      policy: {...policy, capMs: 400},
      random: most,
      waitsMs: [50, 100, 200, ...Array(1_000).fill(400)],
    },
  ])('$rule', ({policy, random, waitsMs}) => {
    expect(waits(policy, random, Array(waitsMs.length).fill(policy.capMs))).toEqual(waitsMs)
  })

  test('double up to a cap that rises, instead of jumping to it', () => {
    const caps = [100, 100, 100, 1_000, 1_000, 1_000, 1_000]
    expect(waits(policy, most, caps)).toEqual([50, 100, 100, 200, 400, 800, 1_000])
  })

  test('keep to a cap that falls', () => {
    expect(waits(policy, most, [1_000, 1_000, 1_000, 60, 60, 60])).toEqual([50, 100, 200, 60, 60, 60])
  })

  test('start again after a success', () => {
    nextBackoff(policy, nextBackoff(policy, null, most), most)
    expect(nextBackoff(policy, null, most).waitMs).toBe(50)
  })

  test('a wait is a value: the one before it stays as it is', () => {
    const first = Object.freeze(nextBackoff(policy, null, most))
    expect(nextBackoff(policy, first, most)).toEqual(nextBackoff(policy, first, most))
  })
})

/** The numbers of each user are part of its behaviour. */
test.each<{user: string; policy: BackoffPolicy; waitsMs: readonly number[]}>([
  {user: 'a router that cannot be told', policy: routers, waitsMs: [50, 100, 200, 400, 500, 500, 500]},
  {
    user: 'a host, probed every second',
    policy: {...hosts, capMs: 1_000},
    waitsMs: [50, 100, 200, 400, 800, 1_000, 1_000],
  },
  {user: 'a hook', policy: hooks, waitsMs: [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]},
  {user: 'a heartbeat that hung', policy: heartbeats, waitsMs: [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]},
  {user: 'a daemon that is watched', policy: daemon, waitsMs: [50, 100, 200, 400, 800, 1_600, 2_000]},
])('$user is tried again after these waits at most', ({policy, waitsMs}) => {
  expect(waits(policy, most, Array(waitsMs.length).fill(policy.capMs))).toEqual(waitsMs)
})
