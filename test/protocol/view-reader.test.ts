import {expect, test} from 'vitest'
import {viewFromWire} from '../../src/protocol/view-reader.ts'

const wire = {
  schema: 1,
  epoch: 'e',
  machine_id: null,
  group: 'all',
  hosts: {
    a: {address: 'a', port: 5432, system_identifier: null, role: 'primary', cause: null, timeline: 1, asked_ms_ago: 5},
  },
}
const withHost = (more: object) => ({...wire, hosts: {a: {...wire.hosts.a, ...more}}})
test.each([
  ['no object', [], /something else/],
  ['a newer schema', {...wire, schema: 2}, /schema 2/],
  ['no host', {...wire, hosts: {}}, /watches no host/],
  ['no epoch', {...wire, epoch: ''}, /epoch/],
  ['an unknown role', withHost({role: 'leader'}), /role "leader"/],
  ['a role without a question', withHost({asked_ms_ago: null}), /asked_ms_ago null/],
  ['an answer from the future', withHost({asked_ms_ago: -1}), /asked_ms_ago -1/],
  ['an age that is a text', withHost({asked_ms_ago: '5'}), /asked_ms_ago/],
  ['a timeline of nothing', withHost({timeline: 0}), /timeline 0/],
  ['a port of nothing', withHost({port: 70_000}), /port 70000/],
  ['an endless name', withHost({address: 'x'.repeat(10_000)}), /^it sent address "x+$/],
])('no view: %s', (_, json, reason) => {
  expect(() => viewFromWire(json)).toThrow(reason)
})

test('a view is read, fields of a later version included', () => {
  expect(viewFromWire({...wire, more: 1}).hosts).toEqual([
    {
      name: 'a',
      address: 'a',
      port: 5432,
      systemIdentifier: null,
      role: 'primary',
      cause: null,
      timeline: 1,
      askedMsAgo: 5,
    },
  ])
})
