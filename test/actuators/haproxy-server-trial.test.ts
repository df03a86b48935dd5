import {expect, test} from 'vitest'
import {type SeenServer, serverTrialLines, tryServers} from '../../src/actuators/haproxy/server-trial.ts'
import {hostSettings} from '../support/settings.ts'

const hosts = [hostSettings('host1', {host: 'db1.example'}, ['10.1.0.1']), hostSettings('host2', {host: '10.0.0.2'})]
const resolved = [['10.0.0.1'], []]
const seen = (server: string, address: string | null, port = 5432, by = 'HAProxy a.sock'): SeenServer => ({
  ...{by, server, address, port, name: null},
})
const tried = (...servers: readonly SeenServer[]) => tryServers(hosts, resolved, servers)

test('servers at the addresses of their hosts: nothing to say', () =>
  expect(
    tried(
      seen('host1', '10.0.0.1'),
      seen('host1', '10.1.0.1'),
      seen('host2', '10.0.0.2'),
      seen('srv9', '10.9.9.9'),
      seen('host1', null),
    ),
  ).toEqual({mismatches: [], unknown: []}))

test('an address of no host: the line that adds it to the aliases that are there', () => {
  const trial = tried(
    seen('host1', '192.0.2.1'),
    seen('host1', '192.0.2.1', 5432, 'the daemon'),
    seen('host1', '10.0.0.1', 6432),
    seen('host2', 'fd00::9', 6432),
  )
  expect(trial.mismatches).toEqual([])
  expect(trial.unknown).toMatchObject([
    {host: 'host1', seenBy: ['HAProxy a.sock', 'the daemon'], line: 'aliases: [10.1.0.1, 192.0.2.1, "10.0.0.1:6432"]'},
    {host: 'host2', line: 'aliases: ["[fd00::9]:6432"]'},
  ])
  expect(serverTrialLines(trial).slice(2)).toEqual([
    'HAProxy a.sock: server host2 has [fd00::9]:6432, an address of no host: its name alone decides.',
    '  If the address leads to host2, write at host2: aliases: ["[fd00::9]:6432"]',
  ])
})

test("with that line the address is the host's", () => {
  const [host1, host2] = [hostSettings('host1', {host: 'db1.example'}, ['10.0.0.1:6432', '192.0.2.1']), hosts[1]]
  expect(
    tryServers([host1, host2 ?? host1], resolved, [seen('host1', '192.0.2.1'), seen('host1', '10.0.0.1', 6432)]),
  ).toEqual({mismatches: [], unknown: []})
})

test('the name of one host and the address of another: a mistake in haproxy.cfg', () =>
  expect(tried(seen('host2', '10.0.0.1'), seen('host2', '10.0.0.1')).mismatches).toEqual([
    'HAProxy a.sock: server host2 has the address 10.0.0.1:5432 of host1. ' +
      'Give the server the address of host2, or the name of the host at its address.',
  ]))
