import {expect, test} from 'vitest'
import {causeOf} from '../../src/core/snapshot.ts'
import {Stage} from '../support/stage.ts'

const names = (count: number) => Array.from({length: count}, (_, index) => `host${index + 1}`)
/** One way: a login takes twice as long. */
const latencyMs = 20

/** A stage whose monitor has just started. */
async function starting(servers: readonly string[], hung: readonly string[] = []): Promise<Stage> {
  const stage = new Stage({servers})
  stage.cluster.latencyMs = () => latencyMs
  for (const name of hung) stage.cluster.freeze(name)
  await stage.raise()
  return stage
}

test('a start with many hosts: at most 32 logins at once, one a host, and V0 until the last answer', async () => {
  const hosts = names(90)
  await using stage = await starting(hosts)
  await stage.clock.until(() => hosts.every((name) => stage.cluster.toldTo(name).opens.length > 0))
  const answered = hosts.filter((name) => stage.host(name).role !== 'unavailable')
  expect(answered.length).toBeGreaterThan(4)
  expect(new Set(stage.publications.map(({snapshot}) => snapshot.groups.all?.verdict.rule))).toEqual(new Set(['V0']))
  await stage.clock.until(() => stage.routedTo === 'host1', 1_000)
  const opens = hosts.map((name) => stage.cluster.toldTo(name).opens)
  expect(opens.filter(({length}) => length !== 1)).toEqual([])
  const begun = opens.map(([at = 0]) => at)
  const atOnce = begun.map((at) => begun.filter((other) => other <= at && at < other + 2 * latencyMs).length)
  expect(Math.max(...atOnce)).toBe(32)
})

test('servers that hang at the start delay no others for long; the limit begins with the login', async () => {
  const hosts = names(80)
  // The hung ones are asked first.
  const hung = hosts.slice(1, 65)
  await using stage = await starting(hosts, hung)
  const healthy = hosts.filter((name) => !hung.includes(name))
  const limitMs = 3_000
  const begunAt = stage.clock.now()
  const isAnswered = (name: string) => stage.host(name).role !== 'unavailable'
  await stage.clock.until(() => healthy.every(isAnswered), 60_000)
  expect(stage.clock.now() - begunAt).toBeLessThan(limitMs)
  const last = hung.at(-1) ?? ''
  const [admittedAt = 0] = stage.cluster.toldTo(last).opens
  expect(admittedAt).toBeGreaterThan(begunAt)
  await stage.clock.until(() => causeOf(stage.host(last)) === 'timeout', 60_000)
  expect(stage.clock.now() - admittedAt).toBeGreaterThanOrEqual(limitMs)
})
