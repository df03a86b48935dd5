import {expect, onTestFinished, test} from 'vitest'
import * as library from '../../src/index.ts'
import {started} from '../api/started.ts'
import {until} from '../support/cluster.ts'
import {startFakes} from '../support/fake-postgres.ts'
import {primary, snapshot, standby} from '../support/snapshots.ts'

const one = snapshot({hosts: {host1: primary(), host2: standby('host1', {lagBytes: 5_000_000})}})

test('the package gives so much, and no more', () => {
  expect(Object.keys(library).sort()).toEqual(['OperatorError', 'holds', 'loadConfig', 'predicates', 'watchCluster'])
})

test('holds: with the reason in words', () => {
  expect(library.holds('primary', one, 'host1')).toEqual({ok: true, why: 'host1 is the only primary'})
  expect(library.holds('replica', one, 'host2').ok).toBe(true)
  expect(library.holds('replica', one, 'host2', '1MB').why).toContain('the limit is 1048576 bytes')
  expect(library.holds('primary', one, 'host9')).toEqual({ok: false, why: 'there is no host host9'})
  expect(() => library.holds('replica', one, 'host2', '16')).toThrow('write a number and a unit')
})

test('loadConfig: from an object, with the defaults; all that is wrong at once', async () => {
  const {hosts, probe} = await library.loadConfig({hosts: {a: {host: '10.0.0.1', user: 'a'}}})
  expect([hosts[0]?.connection.port, probe.intervalMs]).toEqual([5432, 1_000])
  const wrong = await library.loadConfig({hosts: {a: {hots: '10.0.0.1'}}, bnid: 'x'}).catch((error) => error)
  expect(wrong).toBeInstanceOf(library.OperatorError)
  expect(wrong.problems.length).toBeGreaterThan(1)
})

test('watchCluster: a monitor of this process', async () => {
  const servers = await startFakes(1)
  onTestFinished(() => servers.stop())
  const [port] = servers.ports
  const stop = new AbortController()
  const hosts = {a: {host: '127.0.0.1', port, user: 'a', sslmode: 'disable'}}
  const source = await library.watchCluster({hosts}, {signal: stop.signal})
  await until(() => source.current().ready, 60_000)
  expect(Object.keys(source.current().hosts)).toEqual(['a'])
  stop.abort()
  await source[Symbol.asyncDispose]()
})

test('watchCluster: a daemon', async () => {
  await using api = await started({hosts: {host1: primary(), host2: standby()}, maxAgeMs: 60_000})
  await using source = await library.watchCluster({daemon: api.url})
  expect(source.current().groups.all?.verdict.routedTo).toBe('host1')
  await expect(library.watchCluster({daemon: 'ftp://a'})).rejects.toThrow('neither a URL nor the path')
})
