import {expect, test} from 'vitest'
import type {OperatorError} from '../../src/core/errors.ts'
import {assertMine} from '../../src/core/offers/recognition.ts'
import {type MeantHost, meantText, readMeant, type ServerName} from '../../src/core/offers/server-name.ts'
import {primary, snapshot, standby} from '../support/snapshots.ts'

const ours = snapshot({
  hosts: {
    host1: primary({addresses: ['db1.example', '10.0.0.1', '10.1.0.1'], address: 'db1.example'}),
    host2: standby('host1', {addresses: ['10.0.0.2', 'fd00::2'], address: '10.0.0.2'}),
  },
})
const noServer: ServerName = {name: null, address: null, port: null}
const haproxy = (name: string, address: string): ServerName => ({name, address, port: 5432})

/** `null`: the daemon watches all of them. */
function refusal(words: readonly string[], server = noServer): string | null {
  try {
    assertMine(
      words.map((word) => readMeant(word) as MeantHost),
      server,
      ours,
    )
    return null
  } catch (error) {
    expect(error).toMatchObject({code: 'NOT_MY_HOSTS'})
    return (error as OperatorError).message
  }
}

test.each([
  ['the name as configured', ['host1@db1.example:5432']],
  ['the address of its session', ['host1@10.0.0.1:5432']],
  ['one of several addresses', ['host1@192.0.2.1:5432', 'host1@10.1.0.1:5432']],
  ['another writing of an address', ['host2@[FD00:0::2]:5432']],
  ['every host of a group', ['host1@10.0.0.1:5432', 'host2@10.0.0.2:5432']],
  ['no host at all', []],
])('a daemon recognises %s', (_, words) => expect(refusal(words)).toBeNull())

test.each([
  [
    'a name that is unknown',
    ['host3@10.0.0.1:5432'],
    /does not watch host3@10\.0\.0\.1:5432 \(its hosts: host1, host2\)/,
  ],
  ['a known name at a strange address', ['host1@10.9.0.1:5432'], /\(here host1 is db1\.example:5432\)/],
  ['a known name at the address of another host', ['host1@10.0.0.2:5432'], /does not watch host1@10\.0\.0\.2:5432/],
  ['a known address with another port', ['host1@10.0.0.1:5433'], /host1@10\.0\.0\.1:5433/],
  ['one strange host among others', ['host1@10.0.0.1:5432', 'host2@10.9.0.2:5432'], /host2@10\.9\.0\.2:5432/],
  ['the name of a method', ['constructor@10.0.0.1:5432'], /constructor@/],
])('a daemon does not recognise %s', (_, words, message) => expect(refusal(words)).toMatch(message))

test("HAProxy's own name for a server: the address decides", () => {
  expect(refusal(['srv1@10.0.0.2:5432'], haproxy('srv1', '10.0.0.2'))).toBeNull()
  expect(refusal(['srv1@10.9.0.2:5432'], haproxy('srv1', '10.9.0.2'))).toMatch(/srv1@10\.9\.0\.2/)
  // A HOST of the configuration that has another name here would be asked about by that name.
  expect(refusal(['db2@10.0.0.2:5432'], {name: 'db2', address: null, port: null})).toMatch(/db2@/)
})

test('host= is read as it is written', () => {
  for (const host of [
    {name: 'host1', address: '10.0.0.1', port: 5432},
    {name: 'host1', address: 'fd00::1', port: 5432},
    {name: 'a:b', address: '/run/postgresql', port: 5432},
  ]) {
    const read = readMeant(meantText(host))
    expect({...read, address: read?.address.replace(/^\[(.*)\]$/, '$1')}).toEqual(host)
  }
  for (const odd of ['', 'host1', '@10.0.0.1:5432', 'host1@10.0.0.1', 'host1@:5432', 'host1@10.0.0.1:x'])
    expect(readMeant(odd), odd).toBeNull()
})
