import {expect, test} from 'vitest'
import {UnknownAddresses} from '../../src/core/offers/unknown-addresses.ts'
import {keptLog} from '../support/fake-source.ts'
import {primary, standby} from '../support/snapshots.ts'
import {started} from './started.ts'

const draft = {hosts: {host1: primary(), host2: standby()}}

test('a server at an address of no host is counted, logged once and listed, at each door', async () => {
  const counted: string[] = []
  const log = keptLog()
  const unknownAddresses = new UnknownAddresses({log, count: (host) => void counted.push(host)})
  await using api = await started(draft, {}, {unknownAddresses})
  const state = (address: string) => ({'x-haproxy-server-state': `UP; address=${address}; port=5432; name=be/host1`})
  for (const address of ['10.0.0.1', '192.0.2.1', '192.0.2.1', '10.0.0.2'])
    await api.ask('/haproxy/primary', {headers: state(address)})
  for (const query of ['server=host1', 'server=host1&address=10.0.0.1&port=5432']) await api.ask(`/v1/check?${query}`)
  expect(counted).toEqual(['host1', 'host1'])
  await api.ask('/v1/check?server=host2&address=192.0.2.2&port=5432')
  expect([counted.length, log.lines.length]).toEqual([3, 2])
  expect(JSON.parse((await api.ask('/v1/unknown-addresses')).body)).toEqual([
    {host: 'host1', address: '192.0.2.1', port: 5432},
    {host: 'host2', address: '192.0.2.2', port: 5432},
  ])
})

test('host= names the hosts that are meant: a daemon that does not watch them answers 421', async () => {
  await using api = await started(draft)
  const ask = async (path: string, headers = {}) => {
    const {status, body} = await api.ask(path, {headers})
    const {recognised, code} = JSON.parse(body)
    return [status, code ?? recognised]
  }
  expect(await ask('/v1/check?server=host1')).toEqual([200, false])
  expect(await ask('/v1/check?server=host1&host=host1@10.0.0.1:5432')).toEqual([200, true])
  expect(await ask('/v1/check?server=host2&host=host2@10.0.0.2:5432')).toEqual([503, true])
  expect(await ask('/v1/check?host=host1@10.0.0.1:5432&host=host2@10.0.0.2:5432')).toEqual([200, true])
  expect(await ask('/v1/check?server=host1&host=host1@10.9.0.1:5432')).toEqual([421, 'NOT_MY_HOSTS'])
  expect(await ask('/v1/check?server=host9&host=host9@10.0.0.9:5432')).toEqual([421, 'NOT_MY_HOSTS'])
  expect(await ask('/v1/check?server=host1&role=boss&host=host1@10.9.0.1:5432')).toEqual([421, 'NOT_MY_HOSTS'])
  expect((await ask('/v1/check?server=host1&host=nonsense'))[0]).toBe(503)
  const haproxy = {'x-haproxy-server-state': 'UP; address=10.0.0.1; port=5432; name=be/host1'}
  expect(await ask('/haproxy/primary?host=host1@10.0.0.1:5432', haproxy)).toEqual([200, true])
  expect(await ask('/haproxy/replica?host=host1@10.0.0.1:5432', haproxy)).toEqual([503, true])
  expect(await ask('/haproxy/primary?host=host1@10.9.0.1:5432', haproxy)).toEqual([421, 'NOT_MY_HOSTS'])
  expect(await ask('/haproxy/primary', haproxy)).toEqual([200, undefined])
  expect((await ask('/haproxy/primary?host=nonsense', haproxy))[0]).toBe(400)
  const problem = await api.ask('/v1/check?server=host1&host=host1@10.9.0.1:5432')
  expect(problem.headers['content-type']).toContain('application/problem+json')
  expect(JSON.parse(problem.body).detail).toContain('here host1 is 10.0.0.1:5432')
})
