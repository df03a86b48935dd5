import type {Rule} from '../../src/core/vocabulary.ts'
import {drained, failing, NOW, primary, standby, unasked, wrote} from '../support/records.ts'
import {type Row, says, testRows} from '../support/verdict-rows.ts'

const fresh = [primary('a'), standby('b', {of: 'a'}), standby('c', {of: 'a'})]
const overruled = {
  wrote: [wrote(1, 'a'), wrote(3, 'b')],
  voids: [{timeline: 3, host: 'b', for: 'a'}],
}

const no = {kind: 'no-primary', rule: 'V5', primary: null, routedTo: null, why: ''} as const
const named = {kind: 'primary', rule: 'V4', primary: 'a', routedTo: 'a', why: ''} as const
/** The standby began to answer when the primary had been asked. */
const later = [primary('a', {ageMs: 20}), standby('b', {more: {answersSince: NOW - 19}})]
const rivals = {rivals: ['a', 'b']}

/**
 * Keyed by rule: a rule that is added to the words does not compile until it has a row here. V1, the
 * split brain, and V2, something is ahead, have a file of their own.
 */
const table: Record<Exclude<Rule, 'V1' | 'V2'>, readonly Row[]> = {
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
    {
      given: 'a standby began to answer when the primary had been asked: its word may be newer',
      when: {hosts: later},
      outcome: {kind: 'starting', routedTo: null},
    },
  ],
  V3: [
    {
      given: 'no host was named before, and a standby began to answer after this one was asked',
      when: {hosts: later, before: no},
      outcome: {primary: 'a', routedTo: null, situation: 'asking-again'},
    },
    {
      given: 'another host was named before, and a standby began to answer after this one was asked',
      when: {hosts: later, before: {...named, primary: 'b', routedTo: 'b'}},
      outcome: {primary: 'a', routedTo: null, situation: 'asking-again'},
    },
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
      given: 'it was named before, and a standby began to answer after it was asked',
      when: {hosts: later, before: named},
      outcome: {routedTo: 'a'},
    },
    {
      given: 'it was asked after the standby began to answer',
      when: {hosts: [primary('a', {ageMs: 20}), standby('b', {more: {answersSince: NOW - 21}})], before: no},
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
