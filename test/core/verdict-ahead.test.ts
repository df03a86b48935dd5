import {noNotes} from '../../src/core/verdict/memory.ts'
import {failing, NOW, OURS, primary, type Saying, standby, wrote} from '../support/records.ts'
import {type Row, testRows} from '../support/verdict-rows.ts'

const fresh = [primary('a'), standby('b', {of: 'a'}), standby('c', {of: 'a'})]
const overruled = {
  wrote: [wrote(1, 'a'), wrote(3, 'b')],
  voids: [{timeline: 3, host: 'b', for: 'a'}],
}
const had = {systemIdentifier: OURS, wrote: [wrote(1, 'a', {lsn: '0/3000001', by: 'b'})]}
/** A primary whose last word and its position are 20 ms old, and a standby that answered before. */
const at = (lsn: string, more: Saying = {}) => primary('a', {ageMs: 20, lsn, ...more})
const earlier = (lsn: string, more: Saying = {}) => standby('b', {ageMs: 30, lsn, ...more})

const ahead: readonly Row[] = [
  {
    given: 'another host is on a higher timeline',
    when: {hosts: [primary('a'), standby('b', {timeline: 2})]},
    outcome: {kind: 'unconfirmed', primary: 'a', routedTo: null},
  },
  {
    given: 'a higher timeline is remembered',
    when: {hosts: fresh, memory: {wrote: [wrote(2)]}},
    outcome: {primary: 'a', routedTo: null},
  },
  {
    given: 'a standby without a receiver has WAL of a higher timeline on its disk',
    when: {hosts: [primary('a'), standby('b', {diskTimeline: 2})]},
    outcome: {primary: 'a', routedTo: null, situation: 'old-primary-returned'},
  },
  {
    given: 'its own timeline cannot be told, and others can',
    when: {hosts: [primary('a', {timeline: null}), standby('b')]},
    outcome: {routedTo: null},
  },
  {
    given: 'an overruled primary returns, on its timeline (e)',
    when: {hosts: [primary('b', {timeline: 3}), standby('a', {timeline: 3})], memory: overruled},
    outcome: {primary: 'b', routedTo: null, situation: 'overruled-primary'},
  },
  {
    given: 'the accepted one, and a timeline above what was overruled',
    when: {hosts: [primary('a'), standby('b', {timeline: 4})], memory: overruled},
    outcome: {routedTo: null},
  },
  {
    given: 'another host wrote on its timeline, and holds what it lacks (b)',
    when: {hosts: [primary('a', {timeline: 2}), failing('b')], memory: {wrote: [wrote(2, 'b', {lsn: '0/9'})]}},
    outcome: {routedTo: null, situation: 'second-writer-of-a-timeline'},
  },
  {
    given: 'a writer of its timeline that the configuration no longer has was further (b)',
    when: {hosts: [at('0/3000000', {timeline: 2})], memory: {wrote: [wrote(2, 'z', {lsn: '0/3000001'})]}},
    outcome: {routedTo: null, situation: 'second-writer-of-a-timeline'},
  },
  {
    given: 'a standby had received beyond it before it was asked (c)',
    when: {hosts: [at('0/3000000'), earlier('0/3000008')]},
    outcome: {routedTo: null, situation: 'primary-lost-wal'},
  },
  {
    given: 'a standby without a receiver had replayed beyond it (c)',
    when: {hosts: [at('0/3000000'), earlier('0/3000008', {receiveLsn: null})]},
    outcome: {routedTo: null, situation: 'primary-lost-wal'},
  },
  {
    given: 'a standby that replays late had received beyond it (c)',
    when: {hosts: [at('0/3000000'), earlier('0/2000008', {receiveLsn: '0/3000008'})]},
    outcome: {routedTo: null, situation: 'primary-lost-wal'},
  },
  {
    given: 'a standby is further than when the operator decided (c)',
    when: {hosts: [at('0/3000000'), earlier('0/3000010')], memory: {voidStandbys: {b: '0/3000008'}}},
    outcome: {routedTo: null, situation: 'primary-lost-wal'},
  },
  {
    given: 'it had flushed more than it has now (d)',
    when: {hosts: [at('0/3000000')], memory: {wrote: [wrote(1, 'a', {lsn: '0/3000001', by: 'a'})]}},
    outcome: {routedTo: null, situation: 'primary-lost-wal'},
  },
  {
    given: 'a standby that is out of sight had received more from it (d)',
    when: {hosts: [at('0/3000000'), failing('b')], memory: had},
    outcome: {routedTo: null, situation: 'primary-lost-wal'},
  },
  {
    given: 'what it lost stays lost when it has written past it',
    when: {
      hosts: [at('0/9000000')],
      memory: {wrote: [wrote(1, 'a', {lsn: '0/5000000', by: 'b', lost: '0/4000000'})]},
    },
    outcome: {routedTo: null, situation: 'primary-lost-wal'},
  },
]

const notAhead: readonly Row[] = [
  {
    given: 'a standby received more from it after it was asked (d)',
    when: {hosts: [at('0/3000000'), failing('b')], memory: had, notes: {...noNotes, raisedAt: NOW - 19}},
    outcome: {routedTo: 'a'},
  },
  {
    given: 'the overruled writer of its timeline is another host (e)',
    when: {hosts: [primary('c', {timeline: 3}), standby('a', {timeline: 3})], memory: overruled},
    outcome: {routedTo: 'c'},
  },
  {
    given: 'the other writer of its timeline is the same server with another name (b)',
    when: {
      hosts: [primary('a', {timeline: 2}), failing('b')],
      memory: {wrote: [wrote(2, 'b', {at: 'a:5432'})]},
    },
    outcome: {routedTo: 'a'},
  },
  {
    given: 'the other writer of its timeline is the same start of a server, at another address (b)',
    when: {
      hosts: [primary('a', {timeline: 2, session: {startedAt: 5}}), failing('b')],
      memory: {wrote: [wrote(2, 'b', {startedAt: 5})]},
    },
    outcome: {routedTo: 'a'},
  },
  {
    given: 'the other writer of its timeline is proven to be another name of it now (b)',
    when: {
      hosts: [primary('a', {timeline: 2}), primary('b', {timeline: 2, more: {duplicateOf: 'a'}})],
      memory: {wrote: [wrote(2, 'b')]},
    },
    outcome: {routedTo: 'a'},
  },
  {
    given: 'the other writer of its timeline was proven to be another name of it (b)',
    when: {hosts: [primary('a', {timeline: 2}), failing('b')], memory: {wrote: [wrote(2, 'b', {names: ['a']})]}},
    outcome: {routedTo: 'a'},
  },
  {
    given: 'a removed writer of its timeline was not further (b)',
    when: {hosts: [at('0/3000000', {timeline: 2})], memory: {wrote: [wrote(2, 'z', {lsn: '0/3000000'})]}},
    outcome: {routedTo: 'a'},
  },
  {
    given: 'a standby received beyond it after it was asked (c)',
    when: {hosts: [primary('a', {ageMs: 30}), standby('b', {ageMs: 29, probeMs: 2, lsn: '0/3000008'})]},
    outcome: {routedTo: 'a'},
  },
  {
    given: 'a standby was asked before it, and answered after it was asked (c)',
    when: {hosts: [primary('a', {ageMs: 30}), standby('b', {ageMs: 35, probeMs: 6, lsn: '0/3000008'})]},
    outcome: {routedTo: 'a'},
  },
  {
    given: 'a standby without a receiver replayed the padding at a switch of the WAL file (c)',
    when: {hosts: [at('0/3F00000'), earlier('0/4000000', {receiveLsn: null})]},
    outcome: {routedTo: 'a'},
  },
  {
    given: 'a standby of an earlier timeline holds more: the promotion has decided (c)',
    when: {hosts: [at('0/3000000', {timeline: 2}), earlier('0/3000008')]},
    outcome: {routedTo: 'a', situation: 'lossy-promotion'},
  },
  {
    given: 'a standby is on a later timeline now, which the operator overruled: what it had before is gone (c)',
    when: {
      hosts: [at('0/3000000'), standby('b', {timeline: 2})],
      memory: {wrote: [wrote(1, 'a'), wrote(2, 'c')], voids: [{timeline: 2, host: 'c', for: 'a'}]},
      notes: {
        ...noNotes,
        positions: [{host: 'b', timeline: 1, answeredAt: NOW - 30, received: '0/4000000', replayed: null}],
      },
    },
    outcome: {routedTo: 'a'},
  },
  {
    given: 'a standby is no further than when the operator decided (c)',
    when: {hosts: [at('0/3000000'), earlier('0/3000008')], memory: {voidStandbys: {b: '0/3000008'}}},
    outcome: {routedTo: 'a'},
  },
]

testRows('V2', ahead)
testRows('V4', notAhead)
