import {expect, test} from 'vitest'
import type {Snapshot} from '../../src/core/snapshot.ts'
import {blankMemory, nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {judgeOnce} from '../../src/monitor/judge-once.ts'
import {FakeEvidence} from '../support/fake-evidence.ts'
import {wrote} from '../support/records.ts'
import {Stage, type StageOptions} from '../support/stage.ts'

/** Plays `act`, then judges once within `timeoutMs`. */
async function once(options: StageOptions = {}, act: (stage: Stage) => void = () => {}, timeoutMs = 2_000) {
  const stage = new Stage(options)
  act(stage)
  const {clock, random, store, settings, cluster, evidence} = stage
  const limit = new AbortController()
  const cancel = clock.after(timeoutMs, () => limit.abort())
  const meter = {connectionOpened: () => {}, probed: () => {}, failed: () => {}, alarmed: () => {}, saved: () => {}}
  const begun = clock.now()
  const judging = judgeOnce({
    settings,
    driver: cluster.driver,
    clock,
    random,
    store,
    evidence,
    meter,
    version: 'test',
    signal: limit.signal,
  })
  const snapshot: Snapshot = await clock.through(judging)
  cancel()
  return {stage, snapshot, verdict: snapshot.groups.all?.verdict, tookMs: clock.now() - begun}
}

test('all is well: the primary, within milliseconds, and nothing is left open or written', async () => {
  const {stage, verdict, tookMs} = await once()
  expect(verdict).toMatchObject({rule: 'V4', routedTo: 'host1'})
  expect(tookMs).toBeLessThan(5)
  expect(stage.store.saves).toBe(0)
  expect(stage.clock.pending).toBe(0)
  for (const name of stage.cluster.names) expect(stage.cluster.toldTo(name).openSessions).toBe(0)
})

test('a host that hangs costs the whole time, and no more; fresh answers decide about the others', async () => {
  const {verdict, snapshot, tookMs} = await once(
    {probe: {maxAgeMs: 2_000}},
    ({cluster}) => cluster.freeze('host3'),
    4_000,
  )
  expect(tookMs).toBeLessThanOrEqual(4_000)
  expect(snapshot.hosts.host3).toMatchObject({role: 'unavailable', cause: 'timeout'})
  expect(verdict).toMatchObject({rule: 'V4', routedTo: 'host1'})
})

test('a required external source is waited for, for a moment; one that is not required is not', async () => {
  const tool = new FakeEvidence('tool')
  const evidence = () => [{source: tool, groups: 'all' as const}]
  const speak = ({clock}: Stage) =>
    void clock.after(300, () =>
      tool.say({subject: 'host1', answer: 'confirms', why: 'it is', askedAt: clock.now()}, 'all'),
    )
  expect(await once({evidence}, speak)).toMatchObject({verdict: {rule: 'V4'}, tookMs: expect.closeTo(1, -1)})
  tool.say({subject: null, answer: 'silent', why: 'nothing yet', askedAt: null})
  const required = await once({evidence, group: {confirm: ['tool']}}, speak)
  expect(required.verdict).toMatchObject({rule: 'V4', routedTo: 'host1'})
  const mute = new FakeEvidence('tool')
  const never = await once({evidence: () => [{source: mute, groups: 'all'}], group: {confirm: ['tool']}})
  expect(never).toMatchObject({verdict: {rule: 'V3', routedTo: null}})
  expect(never.tookMs).toBeLessThan(1_000)
})

test('an old primary alone, and what an earlier run remembers: unconfirmed', async () => {
  const old = {...blankMemory, wrote: [wrote(2)]}
  const {verdict} = await once({memory: {...nothingRemembered, groups: {all: old}}})
  expect(verdict).toMatchObject({rule: 'V2', routedTo: null})
})

test('two primaries; two names of one', async () => {
  expect((await once({}, ({cluster}) => cluster.promote('host2'))).verdict?.rule).toBe('V1')
  expect((await once({servers: ['host1', 'host2'], alsoKnownAs: {alias1: 'host1'}})).verdict).toMatchObject({
    rule: 'V4',
    routedTo: 'host1',
  })
})

test('followers of a quiet primary speak after a nudge', async () => {
  const {verdict} = await once({group: {confirm: ['followers']}}, ({cluster, clock}) => {
    for (const server of cluster.servers) server.bytesPerMs = 0
    void clock.stall(60_000)
  })
  expect(verdict).toMatchObject({rule: 'V4', routedTo: 'host1'})
})

test('followers that stay silent are not waited for to the end', async () => {
  const {verdict, tookMs} = await once(
    {group: {confirm: ['followers']}},
    ({cluster}) => {
      for (const server of cluster.servers) server.isHidden = true
    },
    10_000,
  )
  expect(verdict).toMatchObject({rule: 'V3'})
  expect(tookMs).toBeLessThan(1_000)
})
