import assert from 'node:assert/strict'
import {test} from 'vitest'
import {nagiosOf} from '../../src/app/check/nagios.ts'
import {type Limits, noLimits} from '../../src/core/offers/eligibility.ts'
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
} from '../support/snapshots.ts'

const plugin = (draft: SnapshotDraft, asked: Partial<CheckAsked> = {}, limits: Limits = noLimits) => {
  const about = {
    snapshot: snapshot(draft),
    at: noon,
    host: null,
    role: 'primary',
    maxLag: limits,
    group: null,
    via: 'daemon',
    reason: null,
    ...asked,
  } as const
  return nagiosOf(answerCheck(about) as CheckAnswer, limits)
}
const healthy = {hosts: {host1: primary(), host2: standby('host1', {lagBytes: 2048})}}
const lame = {hosts: {host1: primary(), host2: unavailable('refused')}}
const split = {hosts: {host1: primary(), host2: primary({timeline: 4})}}
const headless = {hosts: {host1: unavailable('refused'), host2: standby()}}
const blinded = {hosts: {host1: unavailable('auth'), host2: standby()}}

const rows: readonly (readonly [
  given: string,
  level: string,
  exit: number,
  draft: SnapshotDraft,
  asked?: Partial<CheckAsked>,
  limits?: Limits,
])[] = [
  ['all is well', 'OK', 0, healthy],
  ['a standby is down', 'WARNING', 1, lame],
  ['a standby lags', 'WARNING', 1, healthy, {}, {...noLimits, lagBytes: 1024}],
  [
    'a standby lags by an unknown time',
    'WARNING',
    1,
    {hosts: {host1: primary(), host2: standby('host1', {lagMs: null})}},
    {},
    {...noLimits, lagMs: 5},
  ],
  ['a standby lags within the limit', 'OK', 0, healthy, {}, {...noLimits, lagBytes: 4096}],
  ['no primary', 'CRITICAL', 2, headless],
  ['no primary, and we are blind', 'UNKNOWN', 3, blinded],
  [
    'the primary is drained, and there is no other',
    'CRITICAL',
    2,
    {hosts: {host1: primary({drained}), host2: standby()}},
  ],
  ['split brain', 'CRITICAL', 2, split],
  ['unconfirmed', 'UNKNOWN', 3, {...healthy, verdict: unconfirmed('host1')}],
  ['starting', 'UNKNOWN', 3, {hosts: {host1: primary(), host2: unasked()}}],
  ['a host that is the primary', 'OK', 0, healthy, {host: 'host1'}],
  ['a host that is not', 'CRITICAL', 2, healthy, {host: 'host2'}],
  ['a standby that is down', 'WARNING', 1, lame, {host: 'host2', role: 'standby'}],
  ['a primary that is down', 'CRITICAL', 2, headless, {host: 'host1'}],
  ['a host that we are blind for', 'UNKNOWN', 3, blinded, {host: 'host1', role: 'any'}],
]

for (const [given, level, exit, draft, asked, limits] of rows) {
  test(`${given}: ${level}`, () => {
    const {text, exit: got} = plugin(draft, asked, limits)
    assert.deepEqual([text.split(' - ')[0], got], [`PGROUTE66 ${level}`, exit], text)
  })
}

test('perfdata ends the first line; an unknown lag is U; a bar in a text starts no perfdata', () => {
  const {text} = plugin({
    hosts: {host1: primary(), host2: standby('host1', {lagBytes: null}), host3: unavailable('error', {detail: 'a|b'})},
  })
  const [first = '', ...more] = text.split('\n')
  assert.match(first, / \| primaries=1 standbys=1 unavailable=1 'host2_lag'=U$/)
  assert.doesNotMatch(more.join(), /\|/)
})
