import {describe, expect, test} from 'vitest'
import {type SourceAnswer, type Sources, sourcesByName} from '../../src/core/evidence/evidence-source.ts'
import {assessed} from '../support/assessed.ts'
import {failing, judgementOf, NOW, OURS, primary, standby} from '../support/records.ts'

/** The HA tool names `subject`; with a promotion that takes two seconds. */
function tool(subject: string | null, answer: SourceAnswer['answer'] = 'denies'): Sources {
  const said = {subject: subject, answer, why: `it says ${subject}`, askedAt: NOW, promotionMs: 2_000}
  const source = {
    name: 'tool',
    assess: () => said,
    assessUnled: () => (subject === null ? null : said),
    subscribe: () => () => {},
    async [Symbol.asyncDispose]() {},
  }
  return sourcesByName([source])
}
const settings = {confirm: ['tool']}
const hosts = [standby('a'), standby('b')]

describe('while no host is primary', () => {
  test('whom the source names is shown, and that it is in recovery', () => {
    const {verdict, evidence} = judgementOf({hosts, settings, sources: tool('a')})
    expect(verdict).toMatchObject({rule: 'V5', routedTo: null})
    expect(verdict.why).toMatch(/; tool names a as the leader, which is in recovery$/)
    expect(evidence).toMatchObject([{source: 'tool', subject: 'a', contradictsSql: true, required: true}])
  })
  test('a leader that does not answer SQL contradicts nothing', () => {
    const {verdict, evidence} = judgementOf({hosts: [failing('a'), standby('b')], settings, sources: tool('a')})
    expect(evidence).toMatchObject([{subject: 'a', contradictsSql: false}])
    expect(verdict.why).not.toContain('tool')
  })
  test('a source that names no host has nothing to show, and so has one that only speaks of primaries', () => {
    expect(judgementOf({hosts, settings, sources: tool(null)}).evidence).toEqual([])
    expect(judgementOf({hosts, settings: {confirm: ['followers']}}).evidence).toEqual([])
  })
  test('it is shown where it is not required', () => {
    const {evidence} = judgementOf({hosts, sources: tool('a'), shown: ['tool']})
    expect(evidence).toMatchObject([{subject: 'a', contradictsSql: true, required: false}])
  })
})

test('a primary that is confirmed by no required source goes on, and its reason tells the contradiction', () => {
  const {verdict} = judgementOf({hosts: [primary('a'), standby('b', {of: 'a'})], sources: tool('b'), shown: ['tool']})
  expect(verdict).toMatchObject({rule: 'V4', routedTo: 'a'})
  expect(verdict.why).toContain('tool names b as the leader, which is in recovery')
})

test('a silent source contradicts nothing', () => {
  expect(judgementOf({hosts, settings, sources: tool('a', 'silent')}).evidence).toMatchObject([{contradictsSql: false}])
})

test('a source that names one of two rivals confirms it and denies the other, and is no news at each judgement', () => {
  const rivals = [primary('a'), primary('b', {timeline: 2})]
  const sources: Sources = {
    tool: ({host}) => ({subject: 'b', answer: host === 'b' ? 'confirms' : 'denies', why: 'it leads', askedAt: NOW}),
  }
  const past = assessed(rivals, {settings, memory: {systemIdentifier: OURS}, sources})
  expect(past.state.evidence).toMatchObject([
    {subject: 'a', answer: 'denies'},
    {subject: 'b', answer: 'confirms'},
  ])
  expect(assessed(rivals, {settings, sources, past}).changes).toEqual([])
})

describe('H8: a contradiction is news once it has lasted longer than a promotion', () => {
  const at = (now: number, sources: Sources, past?: ReturnType<typeof assessed>) =>
    assessed(hosts, {settings, memory: {systemIdentifier: OURS}, sources, now, ...(past && {past})})
  const evidenceChanges = ({changes}: ReturnType<typeof assessed>) => changes.filter(({kind}) => kind === 'evidence')

  test('it is told then, once, with the host; and its end', () => {
    const begin = at(NOW, tool('a'))
    expect(evidenceChanges(begin)).toEqual([])
    expect(begin.freshUntil).toBeLessThanOrEqual(NOW + 2_000)
    const short = at(NOW + 1_999, tool('a'), begin)
    expect(evidenceChanges(short)).toEqual([])
    const long = at(NOW + 2_000, tool('a'), short)
    expect(evidenceChanges(long)).toEqual([
      {
        kind: 'evidence',
        group: 'all',
        host: 'a',
        from: 'agrees with SQL',
        to: 'contradicts SQL',
        rule: null,
        why: 'tool names a, which is in recovery: it says a',
      },
    ])
    const longer = at(NOW + 2_500, tool('a'), long)
    expect(evidenceChanges(longer)).toEqual([])
    expect(evidenceChanges(at(NOW + 2_600, tool(null), longer))).toMatchObject([
      {host: 'a', from: 'contradicts SQL', to: 'agrees with SQL'},
    ])
  })
  test('one that ends before is a promotion, and no news; the next one begins anew', () => {
    const begin = at(NOW, tool('a'))
    const between = at(NOW + 1_500, tool(null), begin)
    const again = at(NOW + 1_600, tool('a'), between)
    const ended = at(NOW + 2_500, tool('a'), again)
    expect([begin, between, again, ended].flatMap(evidenceChanges)).toEqual([])
  })
  test('another host that is named begins anew', () => {
    const other = at(NOW + 2_500, tool('b'), at(NOW, tool('a')))
    expect(evidenceChanges(other)).toEqual([])
  })
})

describe('the hold of a source that knows its tool', () => {
  const led = [primary('a'), standby('b', {of: 'a'})]
  const says = (answer: SourceAnswer['answer'], holdAtMostMs: number): Sources => ({
    tool: () => ({subject: 'a', answer, why: answer, askedAt: NOW, holdAtMostMs}),
  })
  const holding = {confirm: ['tool'], onSilent: {holdMs: 10_000}}
  const afterMs = (ms: number, holdAtMostMs: number) => {
    const {held} = judgementOf({hosts: led, settings: holding, sources: says('confirms', 10_000)})
    const later = [primary('a', {ageMs: 10 - ms}), standby('b', {of: 'a', ageMs: 10 - ms})]
    const sources = says('silent', holdAtMostMs)
    return judgementOf({hosts: later, settings: holding, sources, held, now: NOW + ms}).verdict.rule
  }
  test('ends when the source says, where that is sooner than on_silent says', () => {
    expect([afterMs(5_000, 5_000), afterMs(5_001, 5_000)]).toEqual(['V4', 'V3'])
    expect([afterMs(10_000, 60_000), afterMs(10_001, 60_000)]).toEqual(['V4', 'V3'])
    expect(afterMs(1, 0)).toBe('V3')
  })
  test('ends the hold of every other source of the group, too', () => {
    const peers = (answer: SourceAnswer['answer']): Sources => ({
      peers: () => ({subject: 'a', answer, why: answer, askedAt: NOW}),
      ...says('confirms', 5_000),
    })
    const others = {...holding, confirm: ['peers', 'tool']}
    const {held} = judgementOf({hosts: led, settings: others, sources: peers('confirms')})
    const ruleAfter = (ms: number) => {
      const hosts = [primary('a', {ageMs: 10 - ms}), standby('b', {of: 'a', ageMs: 10 - ms})]
      return judgementOf({hosts, settings: others, sources: peers('silent'), held, now: NOW + ms}).verdict.rule
    }
    expect([ruleAfter(5_000), ruleAfter(5_001)]).toEqual(['V4', 'V3'])
  })
})
