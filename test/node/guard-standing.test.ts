import {describe, expect, test} from 'vitest'
import {standingOf} from '../../src/app/node/guard/standing.ts'
import type {Evidence} from '../../src/core/snapshot.ts'
import {noon, primary, type SnapshotDraft, snapshot, standby, unavailable, unconfirmed} from '../support/snapshots.ts'

const confirmed = (host: string): Evidence => ({
  source: 'peers',
  subject: host,
  answer: 'confirms',
  contradictsSql: false,
  required: true,
  why: `3 of 3 name ${host}`,
  askedAt: noon.now - 100,
})
const agreed: SnapshotDraft = {
  hosts: {host1: primary(), host2: standby(), host3: standby()},
  evidence: [confirmed('host1')],
}
const other: SnapshotDraft = {
  hosts: {host1: standby('host2'), host2: primary(), host3: standby('host2')},
  evidence: [confirmed('host2')],
}
const alone: SnapshotDraft = {
  hosts: {host1: primary(), host2: unavailable('timeout'), host3: unavailable('timeout')},
  verdict: unconfirmed('host1'),
}

describe('what the guard knows', () => {
  test.each([
    ['a majority names the primary', agreed, {own: 'primary', agreed: {primary: 'host1', askedAt: noon.now - 100}}],
    ['a majority names another host', other, {own: 'standby', agreed: {primary: 'host2', askedAt: noon.now - 100}}],
    ['no majority', alone, {own: 'primary', agreed: null}],
    [
      'an agreement without a question behind it',
      {...agreed, evidence: [{...confirmed('host1'), askedAt: null}]},
      {agreed: null},
    ],
    ['the confirmation of another host', {...agreed, evidence: [confirmed('host2')]}, {agreed: null}],
    ['no word of the neighbours', {...agreed, evidence: []}, {agreed: null}],
    ['two primaries', {hosts: {host1: primary(), host2: primary()}, evidence: [confirmed('host1')]}, {agreed: null}],
  ] as const)('%s', (_, draft, expected) => {
    expect(standingOf(snapshot(draft), 'all', 'host1')).toMatchObject(expected)
  })

  const over = {
    kind: 'split-brain',
    rule: 'V1',
    situation: 'two-primaries-one-unseen',
    primary: null,
    routedTo: null,
  } as const
  test('a split brain whose rival is out of sight: the host that the majority names', () => {
    const draft = {...agreed, hosts: {...agreed.hosts, host3: unavailable('timeout')}, verdict: over}
    expect(standingOf(snapshot(draft), 'all', 'host1').agreed).toMatchObject({primary: 'host1'})
  })
  test('the same, and a host is on a later timeline: none', () => {
    const draft = {...agreed, hosts: {...agreed.hosts, host3: standby('host2', {timeline: 4})}, verdict: over}
    expect(standingOf(snapshot(draft), 'all', 'host1').agreed).toBeNull()
  })
})
