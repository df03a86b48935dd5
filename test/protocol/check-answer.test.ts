import {expect, test} from 'vitest'
import {noLimits} from '../../src/core/offers/eligibility.ts'
import {answerCheck, type CheckAnswer, type CheckAsked} from '../../src/protocol/check-answer.ts'
import {
  drained,
  noon,
  primary,
  type SnapshotDraft,
  snapshot,
  standby,
  unasked,
  unavailable,
  unconfirmed,
  unreachable,
} from '../support/snapshots.ts'

const ask = (draft: SnapshotDraft, asked: Partial<CheckAsked> = {}) =>
  answerCheck({
    snapshot: snapshot(draft),
    at: noon,
    host: null,
    role: 'primary',
    maxLag: noLimits,
    group: null,
    via: 'daemon',
    reason: null,
    ...asked,
  })
const answered = (draft: SnapshotDraft, asked: Partial<CheckAsked> = {}) => ask(draft, asked) as CheckAnswer

const healthy = {hosts: {host1: primary(), host2: standby(), host3: unavailable('refused')}}
const split = {
  hosts: {host1: primary(), host2: primary({timeline: 4}), host3: standby('host2'), host4: unavailable('timeout')},
}
const doubted = {...healthy, verdict: unconfirmed('host1')}
const starting = {hosts: {host1: primary(), host2: standby(), host3: unasked()}}
const headless = {hosts: {host1: standby(), host2: unavailable('auth')}}
const delayed = {delayed: {delayMs: 3_600_000, isReadable: false}}
const late = {hosts: {host1: primary(), host2: standby('host1', delayed)}}
const out = {hosts: {host1: primary({drained}), host2: standby('host1', {drained})}}
const followed = {
  ...split,
  verdict: {kind: 'split-brain', rule: 'V1', routedTo: 'host2', why: 'split brain; routed to host2'} as const,
}
const sustained = {hosts: {host1: unavailable('refused'), host2: standby()}, verdict: unreachable('host1')}
const ungrouped = {hosts: {host1: primary(), host9: primary()}, groups: {orders: ['host1']}}

type Row = readonly [given: string, draft: SnapshotDraft, asked: Partial<CheckAsked>, exit: number, text: RegExp]
const ofHost: readonly Row[] = [
  ['the routed primary', healthy, {host: 'host1'}, 0, /^host1: the only primary$/],
  ['a standby', healthy, {host: 'host2'}, 1, /^host2: a standby; host1 is the only primary$/],
  ['an unavailable host', healthy, {host: 'host3'}, 3, /^host3: unavailable \(refused: seen: refused\)$/],
  ['a split brain: a rival', split, {host: 'host1'}, 4, /^host1: split brain/],
  ['a split brain: a standby', split, {host: 'host3'}, 4, /split brain/],
  ['a split brain: 4 comes before 3', split, {host: 'host4'}, 4, /split brain/],
  ['a split brain, and the operator follows evidence: the named one', followed, {host: 'host2'}, 0, /routed to host2/],
  ['a split brain, and the operator follows evidence: the other', followed, {host: 'host1'}, 4, /routed to host2/],
  [
    'an unconfirmed primary',
    doubted,
    {host: 'host1'},
    4,
    /^host1: the only primary, but followers is silent \[not-confirmed]$/,
  ],
  ['an unconfirmed primary: 4 comes before 3', doubted, {host: 'host3'}, 4, /followers is silent/],
  ['a start', starting, {host: 'host1'}, 4, /waiting for a first answer/],
  ['no primary: a standby', headless, {host: 'host1'}, 1, /^host1: a standby; no host is primary/],
  ['no primary: a host that cannot be judged', headless, {host: 'host2'}, 3, /unavailable \(auth/],
  ['a drained primary', out, {host: 'host1'}, 1, /^host1: /],
  ['a primary out of reach, but followed', sustained, {host: 'host1'}, 0, /^host1: out of reach for pgroute66/],
  ['a primary in no group', ungrouped, {host: 'host9'}, 1, /^host9: in no group/],

  ['a delayed standby', late, {host: 'host2', role: 'standby'}, 1, /^host2: /],
  ['a standby, asked as one', healthy, {host: 'host2', role: 'standby'}, 0, /^host2: a standby, 0 bytes behind$/],
  ['a primary, asked as a standby', healthy, {host: 'host1', role: 'standby'}, 1, /^host1: a primary$/],
  ['an unavailable host, asked as a standby', healthy, {host: 'host3', role: 'standby'}, 3, /unavailable/],
  ['a split brain: its standby still reads', split, {host: 'host3', role: 'standby'}, 0, /a standby/],
  ['a split brain: a rival never reads', split, {host: 'host1', role: 'read-only'}, 1, /a primary|split brain/],
  ['an unconfirmed primary: its standby still reads', doubted, {host: 'host2', role: 'standby'}, 0, /a standby/],
  ['an unconfirmed primary does not read', doubted, {host: 'host1', role: 'read-only'}, 1, /host1/],
  ['a start, asked for a standby', starting, {host: 'host2', role: 'standby'}, 4, /waiting/],
  ['a drained standby', out, {host: 'host2', role: 'standby'}, 1, /drained by alice/],
  ['the primary, asked to read', healthy, {host: 'host1', role: 'read-only'}, 0, /host1/],
  ['a standby, asked to read', healthy, {host: 'host2', role: 'read-only'}, 0, /a standby/],
  ['a rival, asked for anything', split, {host: 'host1', role: 'any'}, 0, /primary/],
  ['an unavailable host, asked for anything', healthy, {host: 'host3', role: 'any'}, 3, /unavailable/],
]
const ofGroup: readonly Row[] = [
  [
    'one primary',
    healthy,
    {},
    0,
    /^host1 is the only primary\nhost1: primary, timeline 3.*\nhost2: standby of host1.*\nhost3: unavailable/,
  ],
  ['two primaries', split, {}, 4, /^split brain/],
  ['two primaries, one followed by choice', followed, {}, 4, /^split brain/],
  ['an unconfirmed one', doubted, {}, 4, /followers is silent/],
  ['a start', starting, {}, 4, /waiting/],
  ['none', headless, {}, 5, /^no host is primary/],
  ['a drained one', out, {}, 1, /drained by alice/],
  ['some standby that may be read', healthy, {role: 'standby'}, 0, /^standby: host2\n/],
  ['none that may be read, the primary up', out, {role: 'standby'}, 1, /^standby: none/],
  ['nobody up', {hosts: {host1: unavailable(), host2: unavailable()}}, {role: 'standby'}, 3, /^standby: none/],
  ['a start, asked for standbys', starting, {role: 'standby'}, 4, /waiting/],
  ['readers', split, {role: 'read-only'}, 0, /^read-only: host3\n/],
]
for (const [given, draft, asked, exit, text] of ofHost)
  test(`${asked.host} as ${asked.role ?? 'primary'}, given ${given}: ${exit}`, () => {
    const answer = answered(draft, asked)
    expect(answer).toMatchObject({
      exit,
      ok: exit === 0,
      host: asked.host,
      asked: asked.role ?? 'primary',
      via: 'daemon',
    })
    expect(answer.text).toMatch(text)
  })
for (const [given, draft, asked, exit, text] of ofGroup)
  test(`no host as ${asked.role ?? 'primary'}, given ${given}: ${exit}`, () => {
    const answer = answered(draft, asked)
    expect(answer).toMatchObject({exit, ok: exit === 0, host: null})
    expect(answer.text).toMatch(text)
  })

test('a limit admits what is within it, and never what is unknown', () => {
  const lagging = (lagBytes: number | null) => ({hosts: {host1: primary(), host2: standby('host1', {lagBytes})}})
  const asked = {host: 'host2', role: 'standby', maxLag: {...noLimits, lagBytes: 100}} as const
  expect([99, 100, 101, null].map((lag) => answered(lagging(lag), asked).exit)).toEqual([0, 0, 1, 1])
})

test('several groups: the worst of them answers, and each is described', () => {
  const hosts = {a1: primary(), a2: standby('a1'), b1: standby('b2'), b2: unavailable()}
  const groups = {a: ['a1', 'a2'], b: ['b1', 'b2']}
  const all = answered({hosts, groups})
  expect(all).toMatchObject({exit: 5, group: 'b', verdict: {kind: 'no-primary'}})
  expect(all.text).toMatch(/^a: a1 is the only primary\nb: no host is primary\na\/a1: primary/)
  expect(answered({hosts, groups}, {group: 'a'})).toMatchObject({exit: 0, group: 'a'})
  expect(Object.keys(answered({hosts, groups}, {group: 'a'}).hosts)).toEqual(['a1', 'a2'])
  expect(answered({hosts, groups}, {host: 'a1'})).toMatchObject({exit: 0, group: 'a', verdict: {routed_to: 'a1'}})
})

test('a host of several groups is a primary only where each of them says so', () => {
  const draft = {
    hosts: {h: primary(), i: standby('h')},
    groups: {one: ['h', 'i'], two: ['h', 'i']},
    verdicts: {two: unconfirmed('h')},
  }
  expect(answered(draft, {host: 'h'})).toMatchObject({exit: 4, group: 'two'})
  expect(answered(draft, {host: 'h', group: 'one'})).toMatchObject({exit: 4, group: 'two'})
})

test('unknown names are usage errors that say what there is', () => {
  expect(ask(healthy, {host: 'host7'})).toEqual({
    exit: 2,
    ok: false,
    error: {
      code: 'UNKNOWN_HOST',
      message: 'there is no host "host7"',
      next: 'Did you mean "host1"? Hosts: host1, host2, host3.',
    },
  })
  expect(ask(healthy, {host: 'constructor'})).toMatchObject({exit: 2})
  expect(ask(healthy, {group: 'orders'})).toMatchObject({exit: 2, error: {code: 'UNKNOWN_GROUP'}})
  expect(ask(ungrouped, {host: 'host9', group: 'orders'})).toMatchObject({
    exit: 2,
    error: {message: 'there is no host "host9" in orders'},
  })
})

test('the line of a delayed standby says so', () => {
  expect(answered(late).text).toContain('delayed by 3600000 ms on purpose')
})
