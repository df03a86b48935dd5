import {drained, failing, primary, standby, wrote} from '../support/records.ts'
import {says, testRows} from '../support/verdict-rows.ts'

const follow = {confirm: ['followers'], onSplitBrain: 'follow-evidence'} as const
const followed = [
  primary('a'),
  primary('b', {timeline: 2}),
  standby('c', {of: 'b', timeline: 2}),
  standby('d', {of: 'b', timeline: 2}),
]
const rivals = {rivals: ['a', 'b']}

testRows('V1', [
  {
    given: 'two primaries',
    when: {hosts: [primary('b'), primary('a'), standby('c')]},
    outcome: {kind: 'split-brain', primary: null, routedTo: null, primaries: ['a', 'b']},
  },
  {
    given: 'two primaries on different timelines: still two',
    when: {hosts: [primary('a'), primary('b', {timeline: 9})]},
    outcome: {routedTo: null},
  },
  {
    given: 'a rival that fell silent',
    when: {hosts: [primary('a'), failing('b', 'timeout')], memory: rivals},
    outcome: {kind: 'split-brain', routedTo: null},
  },
  {
    given: 'a rival that hangs',
    when: {hosts: [primary('a'), failing('b', 'hung')], memory: rivals},
    outcome: {routedTo: null},
  },
  {
    given: 'a rival that we may not ask any more',
    when: {hosts: [primary('a'), failing('b', 'auth')], memory: rivals},
    outcome: {routedTo: null},
  },
  {
    given: 'both rivals silent',
    when: {hosts: [failing('a', 'timeout'), failing('b', 'timeout')], memory: rivals},
    outcome: {kind: 'split-brain', primaries: []},
  },
  {
    given: 'every required confirmation names one of the rivals, but the policy is to refuse',
    when: {hosts: followed, settings: {confirm: ['followers']}},
    outcome: {routedTo: null, suspect: 'a'},
  },
  {
    given: 'follow-evidence, and followers name the highest',
    when: {hosts: followed, settings: follow},
    outcome: {kind: 'split-brain', primary: null, routedTo: 'b', suspect: 'a'},
  },
  {
    given: 'follow-evidence, and the one that is named is not the highest',
    when: {
      hosts: [primary('a'), primary('b', {timeline: 2}), standby('c', {of: 'a'}), standby('d', {of: 'a'})],
      settings: follow,
    },
    outcome: {routedTo: null, suspect: null},
  },
  {
    given: 'follow-evidence, and a third source names the other one',
    when: {
      hosts: followed,
      settings: {...follow, confirm: ['followers', 'tool']},
      sources: {tool: says('confirms', 'a')},
    },
    outcome: {routedTo: null},
  },
  {
    given: 'follow-evidence, and the required source confirms every rival',
    when: {
      hosts: followed,
      settings: {...follow, confirm: ['tool']},
      sources: {tool: ({host}) => ({subject: host, answer: 'confirms', why: '', askedAt: null})},
    },
    outcome: {routedTo: null},
  },
  {
    given: 'follow-evidence, and one of two required sources is silent',
    when: {
      hosts: followed,
      settings: {...follow, confirm: ['followers', 'tool'], onSilent: 'ignore'},
      sources: {tool: says('silent', null)},
    },
    outcome: {routedTo: null},
  },
  {
    given: 'follow-evidence by majority alone, which names nobody',
    when: {hosts: followed, settings: {...follow, confirm: ['majority']}},
    outcome: {routedTo: null},
  },
  {
    given: 'follow-evidence, and the named one is drained',
    when: {
      hosts: followed.map((host) => (host.settings.name === 'b' ? {...host, ...drained} : host)),
      settings: follow,
    },
    outcome: {routedTo: null},
  },
  {
    given: 'follow-evidence, and a still higher timeline is remembered',
    when: {hosts: followed, settings: follow, memory: {wrote: [wrote(3)]}},
    outcome: {routedTo: null},
  },
  {
    given: 'follow-evidence, and it is open whose cluster this is',
    when: {
      hosts: [primary('a', {cluster: '1'}), standby('e', {cluster: '1'}), ...followed.slice(1, 3)],
      settings: {...follow, confirm: ['tool']},
      sources: {
        tool: ({host}) => ({subject: host, answer: host === 'b' ? 'confirms' : 'denies', why: '', askedAt: null}),
      },
    },
    outcome: {kind: 'split-brain', routedTo: null},
  },
  {
    given: 'follow-evidence, and the rival is silent: it may have gone further since',
    when: {hosts: [failing('a', 'timeout'), ...followed.slice(1)], settings: follow, memory: rivals},
    outcome: {kind: 'split-brain', routedTo: null},
  },
])
