import {expect, test} from 'vitest'
import {type HostRecord, newRecord, observed} from '../../src/core/facts/host-record.ts'
import {addressKey} from '../../src/core/offers/address-key.ts'
import {serverLookup, serverMismatch} from '../../src/core/offers/server-lookup.ts'
import {readServer} from '../../src/core/offers/server-name.ts'
import {assessed, snapshotOf} from '../support/assessed.ts'
import {failing, primary} from '../support/records.ts'
import {hostSettings} from '../support/settings.ts'

const hosts = [
  {host: 'host1', addresses: ['db1.example', '10.0.0.1', '10.1.0.1'], port: 5432},
  {host: 'host2', addresses: ['10.0.0.2', 'fd00::2'], port: 5432},
  {host: 'near', addresses: ['127.0.0.1'], port: 5001},
  {host: 'far', addresses: ['127.0.0.1'], port: 5002},
  {host: 'pooled', addresses: ['10.0.0.5', '10.0.0.5:6432', '[fd00::5]:6432', 'fd00::5:1'], port: 5432},
  {host: 'twin-a', addresses: ['10.0.0.7'], port: 5432},
  {host: 'twin-b', addresses: ['10.0.0.7'], port: 5432},
]
const find = serverLookup(hosts)

type Row = readonly [given: string, name: string | null, address: string | null, port: number | null, found: string]
const rows: readonly Row[] = [
  ['a name alone', 'host1', null, null, 'host1'],
  ['a name and its address', 'host1', '10.0.0.1', 5432, 'host1'],
  ['a name and its name in DNS', 'host1', 'DB1.example.', 5432, 'host1'],
  ['a name and its alias', 'host1', '10.1.0.1', 5432, 'host1'],
  ['a name and the address of another host', 'host1', '10.0.0.2', 5432, 'not host1 but host2'],
  ['a name and the alias of another host', 'host2', '10.1.0.1', 5432, 'not host2 but host1'],
  ['another writing of the address of another host', 'host1', '[FD00:0:0::0002]', 5432, 'not host1 but host2'],
  ['an IPv4 address of another host, mapped to IPv6', 'host1', '::ffff:a00:2', 5432, 'not host1 but host2'],
  ['an address of another host without a port', 'host1', '10.0.0.2', null, 'not host1 but host2'],
  ['an address of no host', 'host1', '192.168.0.1', 5432, 'host1 by its name alone'],
  ['an address that begins as that of another host', 'host1', '10.0.0.20', 5432, 'host1 by its name alone'],
  ['the address of another host with the port of no host', 'host1', '10.0.0.2', 6432, 'host1 by its name alone'],
  ['hosts that differ in the port', 'near', '127.0.0.1', 5002, 'not near but far'],
  ['an address of two hosts, with the name of one', 'twin-b', '10.0.0.7', 5432, 'twin-b'],
  ['an address of two hosts, with the name of neither', 'host1', '10.0.0.7', 5432, 'not host1 but twin-a,twin-b'],
  ['a name and its pooler', 'pooled', '10.0.0.5', 6432, 'pooled'],
  ['a name and the pooler of another host', 'host1', '10.0.0.5', 6432, 'not host1 but pooled'],
  ['a name and its pooler over IPv6', 'host1', 'fd00::5', 6432, 'not host1 but pooled'],
  ['an alias with a port, and the port of its host', 'pooled', 'fd00::5', 5432, 'pooled by its name alone'],
  ['an IPv6 alias that ends like a port', 'host1', 'fd00::5:1', 5432, 'not host1 but pooled'],
  ['a name of no host and the address of one', 'srv1', '10.0.0.2', 5432, 'host2'],
  ['an address without a name', null, '[fd00::2]', 5432, 'host2'],
  ['an address of two hosts without a name', null, '10.0.0.7', 5432, 'nobody'],
  ['an address without name and port', null, '10.0.0.2', null, 'nobody'],
  ['a name and an address of no host', 'srv1', '10.0.0.20', 5432, 'nobody'],
  ['the name of a method', 'constructor', null, null, 'nobody'],
]
test.each(rows)('given %s', (_, name, address, port, expected) => {
  const found = find({name, address, port})
  const said =
    found.kind === 'mismatch'
      ? `not ${found.named} but ${found.others}`
      : found.kind === 'unknown'
        ? 'nobody'
        : `${found.host.host}${found.isAddressKnown ? '' : ' by its name alone'}`
  expect(said).toBe(expected)
})

test.each([
  ['10.0.0.1', '010.0.0.1'],
  ['10.0.0.1', '::ffff:10.0.0.1'],
  ['10.0.0.1', '0:0:0:0:0:FFFF:0a00:0001'],
  ['::1', '0:0:0:0:0:0:0:1'],
  ['fd00::', 'FD00:0::0:0'],
  ['fe80::1', '[fe80::1%eth0]'],
  ['db1.example', 'DB1.Example.'],
])('%s and %s are one address', (one, other) => expect(addressKey(other)).toBe(addressKey(one)))

test.each([
  ['10.0.0.1', '10.0.0.10'],
  ['::1', '::2'],
  ['::1', '1::'],
  ['10.0.0.1', '::10.0.0.1'],
  ['1:2:3:4:5:6:7', '1:2:3:4:5:6:7:0'],
  ['1:2:3:4:5:6:7::8', '1:2:3:4:5:6:7:8'],
  ['256.0.0.1', '0.0.0.1'],
  ['1::2::3', '1::2:3'],
  ['/run/a', '/run/A'],
])('%s and %s are two addresses', (one, other) => expect(addressKey(other)).not.toBe(addressKey(one)))

test('a server is read from one word', () => {
  expect(readServer('host1')).toEqual({name: 'host1', address: null, port: null})
  expect(readServer('host1@10.0.0.1:5432')).toEqual({name: 'host1', address: '10.0.0.1', port: 5432})
  expect(readServer('host1@[fd00::1]:5432')).toEqual({name: 'host1', address: 'fd00::1', port: 5432})
  for (const odd of [
    '',
    '@10.0.0.1:5432',
    'host1@',
    'host1@10.0.0.1',
    'host1@fd00::1:5432',
    'host1@a:b',
    'a b',
    'a@b@c:1',
  ])
    expect(readServer(odd), odd).toBeNull()
})

test('the message names the server, its address, and the host that has the address', () => {
  const {message} = serverMismatch(
    {name: 'host1', address: '10.0.0.2', port: 5432},
    {named: 'host1', others: ['host2']},
  )
  expect(message).toBe('server host1 has the address 10.0.0.2:5432 of host2')
})

test('the addresses of a host: configured, alias, and where its last session is connected to', () => {
  const before = newRecord(hostSettings('host1', {host: 'db1', hostaddr: '10.0.0.1'}, ['10.1.0.1']))
  const after = (record: HostRecord, {observation}: HostRecord) =>
    observation === null ? record : observed(record, observation)
  const at = (remoteAddress: string) => primary('host1', {session: {remoteAddress}})
  const addressesOf = (record: HostRecord) => snapshotOf(assessed([record])).hosts.host1?.addresses.toSorted()
  const known = ['10.0.0.1', '10.1.0.1', '10.2.0.1', 'db1']
  expect(addressesOf(before)).not.toContain('10.2.0.1')
  expect(addressesOf(after(before, at('10.2.0.1')))).toEqual(known)
  expect(addressesOf(after(after(before, at('10.2.0.1')), failing('host1')))).toEqual(known)
  expect(addressesOf(after(after(before, at('10.2.0.1')), at('10.3.0.1')))).not.toContain('10.2.0.1')
})
