import {describe, expect, test} from 'vitest'
import type {GroupSource, SourceAnswer} from '../../src/core/evidence/evidence-source.ts'
import {FakeEvidence} from '../support/fake-evidence.ts'
import {groupSettings} from '../support/settings.ts'
import {Stage, type StageOptions} from '../support/stage.ts'

/** host1 is the primary of three; the external source `tool` has to confirm it. */
async function staged(options: StageOptions = {}) {
  const tool = new FakeEvidence('tool')
  const stage = await Stage.set({
    group: {confirm: ['tool'], onSilent: {holdMs: 10_000}},
    evidence: () => [{source: tool, groups: 'all'}],
    ...options,
  })
  const says = (answer: SourceAnswer['answer'], more: Partial<SourceAnswer> = {}, group: string | null = 'all') => {
    const said = {subject: 'host1', answer, why: `tool ${answer}`, askedAt: stage.clock.now(), ...more}
    tool.say(said, group ?? undefined)
  }
  return {stage, tool, says}
}

describe('news of an external source', () => {
  test('changes the verdict at once, without a probe', async () => {
    const {stage, says} = await staged()
    await using _ = stage
    await stage.clock.run(300)
    expect(stage.verdict()).toMatchObject({rule: 'V3', routedTo: null})
    const before = [stage.clock.now(), stage.cluster.toldTo('host1').probes.length]
    says('confirms')
    expect(stage.publications.at(-1)?.snapshot.groups.all?.verdict).toMatchObject({rule: 'V4', routedTo: 'host1'})
    says('denies')
    expect(stage.publications.at(-1)?.snapshot.groups.all?.verdict).toMatchObject({rule: 'V3', routedTo: null})
    expect([stage.clock.now(), stage.cluster.toldTo('host1').probes.length]).toEqual(before)
  })

  test('of a group that is not configured changes nothing', async () => {
    const {stage, says} = await staged()
    await using _ = stage
    const before = stage.publications.length
    says('confirms', {}, 'elsewhere')
    expect(stage.publications.length).toBe(before)
  })
})

describe('on_silent: hold', () => {
  test('a silent source is held for 10 s from its last confirmed question; then no host is routed to', async () => {
    const {stage, says} = await staged()
    await using _ = stage
    await stage.clock.run(20_000)
    says('confirms', {askedAt: stage.clock.now() - 500})
    const confirmedAt = stage.clock.now() - 500
    await stage.clock.run(1_000)
    says('silent')
    expect(stage.routedTo).toBe('host1')
    await stage.clock.until(() => stage.routedTo === null, 20_000)
    expect(stage.clock.now() - confirmedAt).toBeGreaterThan(10_000)
    expect(stage.clock.now() - confirmedAt).toBeLessThanOrEqual(11_000)
    expect(stage.verdict().rule).toBe('V3')
  })

  test('current() never repeats a hold that has ended, even if no probe came since', async () => {
    const {stage, says} = await staged({probe: {maxAgeMs: 60_000}})
    await using _ = stage
    says('confirms')
    says('silent')
    expect(stage.routedTo).toBe('host1')
    void stage.clock.stall(10_001)
    expect(stage.routedTo).toBeNull()
  })

  test('a held confirmation ends when a host changes its role', async () => {
    const {stage, says} = await staged()
    await using _ = stage
    says('confirms')
    says('silent')
    expect(stage.routedTo).toBe('host1')
    stage.cluster.crash('host3')
    await stage.clock.until(() => stage.routedTo === null, 1_000)
    expect(stage.verdict().rule).toBe('V3')
  })
})

describe('the age of an external answer', () => {
  test('an answer past its freshUntil counts as silent, and current() does not repeat what rested on it', async () => {
    const {stage, says} = await staged({group: {confirm: ['tool']}, probe: {maxAgeMs: 60_000}})
    await using _ = stage
    says('confirms', {freshUntil: stage.clock.now() + 2_000})
    void stage.clock.stall(2_000)
    expect(stage.routedTo).toBe('host1')
    void stage.clock.stall(1)
    expect(stage.verdict()).toMatchObject({rule: 'V3', routedTo: null})
    expect(stage.verdict().why).toContain('the last word of tool is too old (2 s)')
  })
})

test('an external source that is not required is shown, and decides nothing', async () => {
  const {stage, says} = await staged({group: {confirm: []}})
  await using _ = stage
  says('denies')
  expect(stage.verdict()).toMatchObject({rule: 'V4', routedTo: 'host1'})
  const {evidence} = stage.monitor.current().groups.all ?? {}
  expect(evidence).toMatchObject([{source: 'tool', answer: 'denies', required: false}])
})

describe('sources per group', () => {
  const groups = [
    groupSettings('one', ['host1', 'host2'], {confirm: ['tool']}),
    groupSettings('two', ['host3', 'host4'], {confirm: ['tool']}),
  ]
  const servers = ['host1', 'host2', 'host3', 'host4']

  test('a source of one group confirms nothing in another', async () => {
    const tool = new FakeEvidence('tool')
    await using stage = await Stage.set({servers, groups, evidence: () => [{source: tool, groups: ['one']}]})
    tool.say({subject: 'host1', answer: 'confirms', why: 'it is', askedAt: stage.clock.now()}, 'one')
    expect(stage.verdict('one').routedTo).toBe('host1')
    stage.cluster.promote('host3')
    await stage.clock.until(() => stage.verdict('two').primary === 'host3', 2_000)
    expect(stage.verdict('two')).toMatchObject({rule: 'V3', routedTo: null})
    expect(stage.verdict('two').why).toContain('nothing is known from tool')
  })

  test('two sources of one name in one group are refused', async () => {
    const twice = ['tool', 'tool'].map((name): GroupSource => ({source: new FakeEvidence(name), groups: 'all'}))
    await expect(Stage.set({evidence: () => twice})).rejects.toThrow('two sources of evidence of group all')
    const own: GroupSource = {source: new FakeEvidence('majority'), groups: ['all']}
    await expect(Stage.set({evidence: () => [own]})).rejects.toThrow('have the same name')
  })

  test('a reload keeps the subscription of a source that stays, and disposes of one that goes', async () => {
    const [stays, goes] = [new FakeEvidence('stays'), new FakeEvidence('goes')]
    let sources = [stays, goes]
    await using stage = await Stage.set({evidence: () => sources.map((source) => ({source, groups: 'all'}))})
    sources = [stays]
    await stage.clock.through(stage.monitor.reload(stage.settings))
    expect([stays.listeners, stays.isDisposed]).toEqual([1, false])
    expect([goes.listeners, goes.isDisposed]).toEqual([0, true])
    await stage.strike()
    expect([stays.listeners, stays.isDisposed]).toEqual([0, true])
  })
})
