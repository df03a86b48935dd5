import {expect, test} from 'vitest'
import type {SourceAnswer} from '../../src/core/evidence/evidence-source.ts'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {PeerView, ViewedHost} from '../../src/protocol/view-reader.ts'
import {assessPeers, type Voter} from '../../src/sources/peer/tally.ts'
import {failing, MAX_AGE, memberIn, NOW, OURS, primary, standby, viewOf} from '../support/records.ts'

const us = {epoch: 'aaaaaa', machineId: 'machine-0'}
const three = [primary('a'), standby('b', {of: 'a'}), standby('c', {of: 'a'})]
const two = three.slice(0, 2)

const host = (name: string, role: ViewedHost['role'], more: Partial<ViewedHost> = {}): ViewedHost => ({
  name,
  address: name,
  port: 5432,
  systemIdentifier: OURS,
  role,
  cause: role === 'unavailable' ? 'timeout' : null,
  timeline: role === 'unavailable' ? null : 1,
  askedMsAgo: 10,
  ...more,
})
const seesA = [host('a', 'primary'), host('b', 'standby'), host('c', 'standby')]

let machines = 0
const peer = (
  name: string,
  hosts: readonly ViewedHost[],
  {ageMs = 20, ...more}: Partial<PeerView> & {ageMs?: number} = {},
): Voter => {
  machines += 1
  const view = {epoch: `e-${name}`, machineId: `machine-${machines}`, group: 'all', hosts, isShut: false, ...more}
  return {name, isWitness: false, word: {askedAt: NOW - ageMs, kind: 'view', view}, trouble: null}
}
const silent = (name: string): Voter => ({name, isWitness: false, word: null, trouble: 'refuses connections'})
const metadata = (name: string, ...masters: readonly string[]): Voter => ({
  name,
  isWitness: false,
  word: {askedAt: NOW - 20, kind: 'metadata', masters, slaves: [], named: 'by name'},
  trouble: null,
})
const witness = (voter: Voter): Voter => ({...voter, isWitness: true})

type Row = Readonly<{
  given: string
  hosts?: readonly HostRecord[]
  of?: string
  voters: readonly Voter[]
  says: Partial<SourceAnswer>
}>
const confirms = {subject: 'a', answer: 'confirms'} as const
const denies = {answer: 'denies'} as const
const keepsSilent = {answer: 'silent'} as const

const table: readonly Row[] = [
  {
    given: 'a second primary whose answer has become too old: it is not gone',
    voters: [peer('lb2', [host('a', 'primary', {askedMsAgo: 0}), host('b', 'primary', {askedMsAgo: MAX_AGE})])],
    says: keepsSilent,
  },
  {
    given: 'a later timeline whose answer has become too old',
    voters: [
      peer('lb2', [host('a', 'primary', {askedMsAgo: 0}), host('b', 'standby', {timeline: 2, askedMsAgo: MAX_AGE})]),
    ],
    says: keepsSilent,
  },
  {given: 'no peer', voters: [], says: keepsSilent},
  {given: 'two of two', voters: [peer('lb2', seesA)], says: confirms},
  {
    given: 'one of two',
    voters: [silent('lb2')],
    says: {...keepsSilent, why: '1 of 2 name a (this daemon); lb2 refuses connections'},
  },
  {
    given: 'two of three',
    voters: [peer('lb2', seesA), silent('lb3')],
    says: {...confirms, why: '2 of 3 name a (this daemon and lb2); lb3 refuses connections'},
  },
  {
    given: 'two of four are not more than half',
    voters: [peer('lb2', seesA), silent('lb3'), silent('lb4')],
    says: keepsSilent,
  },
  {
    given: 'a peer that names another host',
    voters: [peer('lb2', [host('a', 'unavailable'), host('b', 'primary'), host('c', 'standby')])],
    says: {...denies, subject: 'b', why: '1 of 2 name a (this daemon); lb2 names b'},
  },
  {
    given: 'a peer that sees two primaries names none',
    voters: [peer('lb2', [host('a', 'primary'), host('b', 'primary'), host('c', 'standby')])],
    says: {...denies, subject: 'a'},
  },
  {
    given: 'a peer that sees the host as a standby',
    voters: [peer('lb2', [host('a', 'standby'), host('b', 'standby')])],
    says: denies,
  },
  {
    given: 'a peer that does not reach the host knows nothing',
    voters: [peer('lb2', [host('a', 'unavailable'), host('b', 'standby')])],
    says: keepsSilent,
  },
  {
    given: 'a later timeline in the view of one peer denies, whatever the others say',
    voters: [
      peer('lb2', seesA),
      peer('lb3', seesA),
      peer('lb4', [host('a', 'primary'), host('b', 'standby', {timeline: 2})]),
    ],
    says: {...denies, subject: 'a', why: 'lb4 sees b on timeline 2, and a is on 1'},
  },
  {
    given: 'a later timeline counts from a peer that has not asked every host',
    voters: [
      peer('lb2', seesA),
      peer('lb3', [host('b', 'standby', {timeline: 2}), host('a', 'unavailable', {cause: null})]),
    ],
    says: denies,
  },
  {
    given: 'an unknown timeline of the host is the lowest',
    hosts: [primary('a', {timeline: null}), ...three.slice(1)],
    voters: [peer('lb2', seesA)],
    says: denies,
  },
  {
    given: 'a peer that has not asked every host may be about to see a second primary',
    voters: [peer('lb2', [host('a', 'primary'), host('b', 'unavailable', {cause: null})])],
    says: keepsSilent,
  },
  {
    given: 'a peer of which a host went stale',
    voters: [peer('lb2', [host('a', 'primary'), host('b', 'unavailable', {cause: 'stale'})])],
    says: keepsSilent,
  },
  {given: 'an old answer of a peer', voters: [peer('lb2', seesA, {ageMs: MAX_AGE})], says: keepsSilent},
  {
    given: 'the age of the question to the peer and of its own question add up',
    voters: [peer('lb2', [host('a', 'primary', {askedMsAgo: MAX_AGE - 30})], {ageMs: 31})],
    says: keepsSilent,
  },
  {
    given: 'the same, a moment sooner',
    voters: [peer('lb2', [host('a', 'primary', {askedMsAgo: MAX_AGE - 30})], {ageMs: 30})],
    says: confirms,
  },
  {
    given: 'another cluster',
    voters: [
      peer(
        'lb2',
        seesA.map((one) => ({...one, systemIdentifier: '1'})),
      ),
    ],
    says: {...keepsSilent, why: '1 of 2 name a (this daemon); lb2 watches another cluster'},
  },
  {
    given: 'a host of another cluster beside ours',
    voters: [peer('lb2', [...seesA, host('b', 'primary', {systemIdentifier: '1', timeline: 9})])],
    says: confirms,
  },
  {given: 'a peer without the host', voters: [peer('lb2', [host('b', 'standby')])], says: keepsSilent},
  {
    given: 'another name of the same server',
    voters: [peer('lb2', [host('pg1', 'primary', {address: 'a'})])],
    says: confirms,
  },
  {
    given: 'a name that means another server there',
    voters: [peer('lb2', [host('a', 'primary', {address: 'b'})])],
    says: keepsSilent,
  },
  {
    given: 'an address that is written differently',
    voters: [peer('lb2', [host('a', 'primary', {address: 'A.'})])],
    says: confirms,
  },
  {
    given: 'a primary that is no host here',
    voters: [peer('lb2', [host('x', 'primary')])],
    says: {...denies, subject: 'a'},
  },

  {
    given: 'one of us by another name',
    voters: [peer('lb1', seesA, {epoch: us.epoch, machineId: us.machineId})],
    says: keepsSilent,
  },
  {
    given: 'our own name in the list of three',
    voters: [peer('lb1', seesA, {epoch: us.epoch, machineId: us.machineId}), peer('lb2', seesA), silent('lb3')],
    says: confirms,
  },
  {
    given: 'our epoch on another machine is another daemon',
    voters: [peer('lb2', seesA, {epoch: us.epoch, machineId: 'machine-z'})],
    says: confirms,
  },
  {
    given: 'another process of our machine has no vote of its own',
    voters: [peer('lb1b', seesA, {machineId: us.machineId})],
    says: {...keepsSilent, why: '1 of 2 name a (this daemon); lb1b names a, but its machine has voted'},
  },
  {
    given: 'but it may deny',
    voters: [peer('lb1b', [host('b', 'primary', {timeline: 2})], {machineId: us.machineId}), peer('lb2', seesA)],
    says: denies,
  },
  {
    given: 'two names of one machine have one vote',
    voters: [peer('lb2', seesA, {machineId: 'm'}), peer('lb2b', seesA, {machineId: 'm'}), silent('lb3')],
    says: keepsSilent,
  },
  {
    given: 'two names of one process without a machine have one vote',
    voters: [
      peer('lb2', seesA, {machineId: null, epoch: 'e'}),
      peer('lb2b', seesA, {machineId: null, epoch: 'e'}),
      silent('lb3'),
    ],
    says: keepsSilent,
  },
  {
    given: 'a machine that says yes and no has no vote',
    voters: [peer('lb2', seesA, {machineId: 'm'}), peer('lb2b', [host('b', 'primary')], {machineId: 'm'})],
    says: denies,
  },

  {given: 'a witness of three hosts does not count', voters: [witness(peer('w', seesA))], says: keepsSilent},
  {
    given: 'a witness of three hosts is not in the count',
    voters: [peer('lb2', seesA), witness(silent('w'))],
    says: {...confirms, why: '2 of 2 name a (this daemon and lb2)'},
  },
  {
    given: 'a witness of two hosts',
    hosts: two,
    voters: [silent('lb2'), witness(peer('w', seesA.slice(0, 2)))],
    says: confirms,
  },

  {given: 'metadata that agree confirm nothing', voters: [metadata('harepd', 'a')], says: keepsSilent},
  {given: 'metadata that name another', voters: [metadata('harepd', 'B')], says: {...denies, subject: 'b'}},
  {given: 'metadata that name two', voters: [metadata('harepd', 'a', 'b')], says: denies},
  {given: 'metadata that name none', voters: [metadata('harepd')], says: denies},
  {given: 'metadata of a stranger', voters: [metadata('harepd', 'x')], says: keepsSilent},
  {given: 'metadata do not outvote views', voters: [metadata('harepd', 'b'), peer('lb2', seesA)], says: confirms},
  {
    given: 'a peer of metadata is in the count',
    voters: [peer('lb2', seesA), metadata('n2', 'a'), metadata('n3', 'a')],
    says: keepsSilent,
  },

  {
    given: 'we see two primaries',
    hosts: [primary('a'), primary('b', {timeline: 1})],
    voters: [peer('lb2', seesA)],
    says: keepsSilent,
  },
  {
    given: 'we do not reach the host, and a majority does',
    hosts: [failing('a', 'timeout'), ...three.slice(1)],
    voters: [peer('lb2', seesA), peer('lb3', seesA)],
    says: {...confirms, why: '2 of 3 name a (lb2 and lb3)'},
  },
  {
    given: 'we do not reach the host, and half of all do',
    hosts: [failing('a', 'timeout'), ...three.slice(1)],
    voters: [peer('lb2', seesA)],
    says: keepsSilent,
  },
]

/** Of a host out of reach: as it was when it was last seen. */
const seen = memberIn(viewOf(three), 'a')

test.each(table)('$given', ({hosts = three, of = 'a', voters, says}) => {
  const view = viewOf(hosts, OURS)
  const member = memberIn(view, of)
  const leader = member.condition.role === 'unavailable' ? seen : member
  expect(assessPeers(leader, view, {voters, us, maxAgeMs: MAX_AGE})).toMatchObject(says)
})

test('a confirmation lasts as long as the votes that make the majority, freshest first', () => {
  const view = viewOf(three, OURS)
  const voters = [peer('lb2', seesA, {ageMs: 1_000}), peer('lb3', seesA, {ageMs: 200}), silent('lb4'), silent('lb5')]
  const answer = assessPeers(memberIn(view, 'a'), view, {voters, us, maxAgeMs: MAX_AGE})
  expect(answer).toMatchObject({answer: 'confirms', askedAt: NOW - 1_010, freshUntil: NOW - 1_010 + MAX_AGE})
  const spare = assessPeers(memberIn(view, 'a'), view, {voters: voters.slice(0, 2), us, maxAgeMs: MAX_AGE})
  expect(spare).toMatchObject({answer: 'confirms', askedAt: NOW - 210, freshUntil: NOW - 210 + MAX_AGE})
})
