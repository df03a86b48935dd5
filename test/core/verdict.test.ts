import type {Rule} from '../../src/core/vocabulary.ts'
import {drained, failing, OURS, primary, type Saying, standby, unasked, wrote} from '../support/records.ts'
import {type Row, says, testRows} from '../support/verdict-rows.ts'

const fresh = [primary('a'), standby('b', {of: 'a'}), standby('c', {of: 'a'})]
const overruled = {
  wrote: [wrote(1, 'a'), wrote(3, 'b')],
  voids: [{timeline: 3, host: 'b', for: 'a'}],
}
const had = {systemIdentifier: OURS, wrote: [wrote(1, 'a', {lsn: '0/3000001', by: 'b'})]}
/** A primary whose last word and its position are 20 ms old, and a standby that answered before. */
const at = (lsn: string, more: Saying = {}) => primary('a', {ageMs: 20, lsn, ...more})
const earlier = (lsn: string, more: Saying = {}) => standby('b', {ageMs: 30, lsn, ...more})
const rivals = {rivals: ['a', 'b']}

/**
 * Keyed by rule: a rule that is added to the words does not compile until it has a row here. V1, the
 * split brain, has a file of its own.
 */
const table: Record<Exclude<Rule, 'V1'>, readonly Row[]> = {
  V0: [
    {
      given: 'a host that was never asked',
      when: {hosts: [primary('a'), unasked('b')]},
      outcome: {kind: 'starting', primary: null, routedTo: null},
    },
    {
      given: 'an answer that went stale: the others may be just as old, and whoever answers first is not all there is',
      when: {hosts: [primary('a'), standby('b', {ageMs: 3_001})]},
      outcome: {kind: 'starting', routedTo: null},
    },
    {
      given: 'nobody was asked, and rivals are remembered',
      when: {hosts: [unasked('a'), unasked('b')], memory: rivals},
      outcome: {kind: 'starting'},
    },
  ],
  V2: [
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
  ],
  V3: [
    {
      given: 'a required source denies',
      when: {hosts: fresh, settings: {confirm: ['tool']}, sources: {tool: says('denies', 'b')}},
      outcome: {kind: 'unconfirmed', primary: 'a', routedTo: null},
    },
    {
      given: 'a required source is silent',
      when: {hosts: fresh, settings: {confirm: ['tool']}, sources: {tool: says('silent', null)}},
      outcome: {routedTo: null},
    },
    {
      given: 'a required source does not exist',
      when: {hosts: fresh, settings: {confirm: ['nobody']}},
      outcome: {routedTo: null},
    },
    {
      given: 'silence may be ignored, a denial never',
      when: {hosts: fresh, settings: {confirm: ['tool'], onSilent: 'ignore'}, sources: {tool: says('denies', 'a')}},
      outcome: {routedTo: null},
    },
    {
      given: 'one of two confirms',
      when: {hosts: fresh, settings: {confirm: ['followers', 'tool']}, sources: {tool: says('denies', 'b')}},
      outcome: {routedTo: null},
    },
    {
      given: 'hosts of two clusters, and no majority: whatever the policy for silence',
      when: {hosts: [primary('a'), standby('b', {cluster: '1'})], settings: {onSilent: 'ignore'}},
      outcome: {kind: 'unconfirmed', primary: 'a', routedTo: null},
    },
  ],
  V4: [
    {
      given: 'one primary, no confirmation required',
      when: {hosts: fresh},
      outcome: {kind: 'primary', primary: 'a', routedTo: 'a'},
    },
    {
      given: 'one primary alone in the world',
      when: {hosts: [primary('a'), failing('b'), failing('c', 'timeout')]},
      outcome: {routedTo: 'a'},
    },
    {
      given: 'a read-only primary keeps its role',
      when: {hosts: [primary('a', {readOnly: true}), standby('b')]},
      outcome: {routedTo: 'a'},
    },
    {
      given: 'a drained primary: shown, never offered',
      when: {hosts: [primary('a', {more: drained}), standby('b')]},
      outcome: {kind: 'primary', primary: 'a', routedTo: null},
    },
    {
      given: 'its timeline equals the highest',
      when: {hosts: [primary('a', {timeline: 2}), standby('b', {timeline: 2})], memory: {wrote: [wrote(2)]}},
      outcome: {routedTo: 'a'},
    },
    {
      given: 'all confirm',
      when: {
        hosts: fresh,
        settings: {confirm: ['majority', 'followers', 'tool']},
        sources: {tool: says('confirms', 'a')},
      },
      outcome: {routedTo: 'a'},
    },
    {
      given: 'silence may be ignored',
      when: {hosts: fresh, settings: {confirm: ['tool'], onSilent: 'ignore'}, sources: {tool: says('silent', null)}},
      outcome: {routedTo: 'a'},
    },
    {
      given: 'a source that is only shown denies',
      when: {hosts: fresh, shown: ['tool'], sources: {tool: says('denies', 'b')}},
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
      given: 'a standby is no further than when the operator decided (c)',
      when: {hosts: [at('0/3000000'), earlier('0/3000008')], memory: {voidStandbys: {b: '0/3000008'}}},
      outcome: {routedTo: 'a'},
    },
    {
      given: 'the operator accepted it in spite of its timeline',
      when: {hosts: [primary('a'), standby('b', {timeline: 3})], memory: overruled},
      outcome: {routedTo: 'a'},
    },
    {
      given: 'the other primary is of another cluster',
      when: {hosts: [primary('a'), primary('b', {cluster: '1'}), standby('c')]},
      outcome: {routedTo: 'a'},
    },
    {
      given: 'the other primary is the same server by another name',
      when: {hosts: [primary('a'), primary('b', {more: {duplicateOf: 'a'}})]},
      outcome: {routedTo: 'a'},
    },
    {
      given: 'a rival said it stops, and refuses connections since',
      when: {hosts: [primary('a'), failing('b', 'refused', {isStopping: true})], memory: rivals},
      outcome: {kind: 'primary', routedTo: 'a'},
    },
    {
      given: 'a rival is a standby now',
      when: {hosts: [primary('a'), standby('b')], memory: rivals},
      outcome: {routedTo: 'a'},
    },
    {
      given: 'a rival that is configured no more',
      when: {hosts: [primary('a')], memory: rivals},
      outcome: {routedTo: 'a'},
    },
    {
      given: 'a silent host that never was a rival',
      when: {hosts: [primary('a'), failing('b', 'timeout')]},
      outcome: {routedTo: 'a'},
    },
  ],
  V5: [
    {
      given: 'standbys only',
      when: {hosts: [standby('a'), standby('b')]},
      outcome: {kind: 'no-primary', primary: null, routedTo: null, primaries: []},
    },
    {given: 'nobody is up', when: {hosts: [failing('a'), failing('b', 'timeout')]}, outcome: {routedTo: null}},
    {
      given: 'hosts that we cannot judge are named',
      when: {hosts: [standby('a'), failing('b', 'auth'), failing('c', 'tls'), failing('d', 'dns')]},
      outcome: {blind: ['b', 'c', 'd']},
    },
    {
      given: 'the only primary is of another cluster',
      when: {hosts: [primary('a', {cluster: '1'}), standby('b'), standby('c')]},
      outcome: {kind: 'no-primary', routedTo: null},
    },
    {
      given: 'the only primary is shut behind its door',
      when: {hosts: [primary('a', {more: {knock: {cause: 'hung', detail: ''}}}), standby('b')]},
      outcome: {routedTo: null},
    },
    {
      given: 'the only primary does not commit',
      when: {hosts: [primary('a', {more: {frozen: {cause: 'hung', detail: ''}}}), standby('b')]},
      outcome: {routedTo: null},
    },
  ],
}

for (const [rule, rows] of Object.entries(table)) testRows(rule, rows)
