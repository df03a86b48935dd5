import {expect, test} from 'vitest'
import {UnknownAddresses} from '../../src/core/offers/unknown-addresses.ts'
import {keptLog} from '../support/fake-source.ts'
import {primary, snapshot, standby} from '../support/snapshots.ts'

function started() {
  const log = keptLog()
  const counted: string[] = []
  return {log, counted, unknown: new UnknownAddresses({log, count: (host) => void counted.push(host)})}
}
const at = (address: string | null, port: number | null = 5432) => ({name: 'host1', address, port})

test('an address of no host is counted each time, and logged once per host and address', () => {
  const {log, counted, unknown} = started()
  for (const address of ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1', '192.0.2.2']) unknown.note(at(address), 'host1')
  unknown.note(at('192.0.2.1', 6432), 'host1')
  unknown.note(at('192.0.2.1'), 'host2')
  unknown.note(at(null), 'host1')
  expect(counted).toEqual(['host1', 'host1', 'host1', 'host1', 'host1', 'host2'])
  expect(log.lines.map(({level}) => level)).toEqual(['warn', 'warn', 'warn', 'warn'])
  expect(log.lines[0]?.message).toBe(
    'a load balancer has host1 at 192.0.2.1:5432, an address of no host: the name alone decides. ' +
      'If it leads to host1, add it to the aliases of host1',
  )
})

test('the list has what is unknown still: an alias, or a host that is gone, takes it out', () => {
  const {unknown} = started()
  for (const address of ['192.0.2.1', '192.0.2.2']) unknown.note(at(address), 'host1')
  unknown.note(at('192.0.2.3'), 'host9')
  const before = snapshot({hosts: {host1: primary(), host2: standby()}})
  const [one, two] = [at('192.0.2.1'), at('192.0.2.2')].map(({address, port}) => ({host: 'host1', address, port}))
  expect(unknown.list(before)).toEqual([one, two])
  const aliased = snapshot({hosts: {host1: primary({addresses: ['10.0.0.1', '192.0.2.1']}), host2: standby()}})
  expect(unknown.list(aliased)).toEqual([two])
  const taken = snapshot({hosts: {host1: primary(), host2: standby('host1', {addresses: ['192.0.2.2']})}})
  expect(unknown.list(taken)).toEqual([one])
})

test('addresses come from outside: beyond a thousand they are counted alone', () => {
  const {log, counted, unknown} = started()
  for (let index = 0; index < 1_100; index += 1) unknown.note(at(`192.0.2.1`, index), 'host1')
  expect([counted.length, log.lines.length]).toEqual([1_100, 1_000])
})
