import {hostname} from 'node:os'
import {dump} from 'js-yaml'
import {describe, expect, test} from 'vitest'
import {effective} from '../../src/config/printing/effective.ts'
import {Report} from '../../src/config/reading/report.ts'
import {foundHost} from '../../src/config/sections/local-host.ts'
import {hostSettings} from '../support/settings.ts'
import {complaint, problems, workplace} from './workplace.ts'

const hosts = 'hosts: {h1: {host: 198.51.100.1}, h2: {host: 198.51.100.2}}\n'

async function said(yaml: string) {
  await using place = await workplace()
  return (await problems(place.load(`${hosts}${yaml}`))).map(({path, code, message, next}) => [
    path,
    code,
    `${message}. ${next}`,
  ])
}

describe('local_api', () => {
  test('defaults: the ports of Patroni and primgr on every address', async () => {
    await using place = await workplace()
    const {local, localApi, warnings} = await place.load(`${hosts}local: h2\nlocal_api: {patroni: {}, primgr: {}}`)
    expect(local).toBe('h2')
    expect(localApi).toEqual({
      host: 'h2',
      patroni: {bind: '0.0.0.0', port: 8008, ssl: null, localVersion: '4.1.0', tags: {}},
      primgr: {bind: '0.0.0.0', port: 5999},
    })
    expect(warnings).toEqual([])
  })

  test('what is shown loads again to the same', async () => {
    await using place = await workplace()
    const yaml =
      `${hosts}local: h1\nlocal_api:\n  patroni: {bind: "[::1]", port: 8009, local_version: 3.0.2, ` +
      'tags: {zone: a, nosync: true}}\n'
    const config = await place.load(yaml)
    const shown = effective(config)
    expect(shown).toMatchObject({
      local: 'h1',
      local_api: {patroni: {bind: '::1', port: 8009, local_version: '3.0.2', tags: {zone: 'a', nosync: 'true'}}},
    })
    expect(shown.local_api).not.toHaveProperty('primgr')
    expect((await place.load(dump(shown))).localApi).toEqual(config.localApi)
  })

  test.each([
    ['local_api: {}', 'local_api', 'CONFIG_MISSING', /names neither patroni nor primgr/],
    ['local_api: {patroni: }', 'local_api', 'CONFIG_MISSING', /names neither/],
    ['local_api: {patron: {}}', 'local_api.patron', 'CONFIG_UNKNOWN_KEY', /"patroni"/],
    ['local_api: {patroni: {prot: 1}}', 'local_api.patroni.prot', 'CONFIG_UNKNOWN_KEY', /"port"/],
    ['local: h2\nlocal_apis: {}', 'local_apis', 'CONFIG_UNKNOWN_KEY', /"local_api"/],
    ['local: h3\nlocal_api: {primgr: {}}', 'local', 'CONFIG_UNKNOWN_HOST', /"h3" is not .*h1/],
    ['local_api: {primgr: {}}', 'local', 'CONFIG_MISSING', /no host has an address of this machine.*local: h1/],
    [
      'local: h1\nlocal_api: {primgr: {port: 8080}}',
      'local_api.primgr.port',
      'CONFIG_CONFLICT',
      /8080, and so is port/,
    ],
    [
      'local: h1\nport: 9\nagent: {port: 10}\nlocal_api: {patroni: {port: 10}}',
      'local_api.patroni.port',
      'CONFIG_CONFLICT',
      /agent\.port/,
    ],
    [
      'local: h1\nlocal_api: {patroni: {port: 9}, primgr: {port: 9}}',
      'local_api.primgr.port',
      'CONFIG_CONFLICT',
      /local_api\.patroni\.port/,
    ],
    [
      'local: h1\nlocal_api: {patroni: {local_version: "4"}}',
      'local_api.patroni.local_version',
      'CONFIG_VALUE',
      /"4" is not three numbers.*4\.1\.0/,
    ],
    ['local: h1\nlocal_api: {patroni: {bind: a b}}', 'local_api.patroni.bind', 'CONFIG_VALUE', /address/],
    ['local: h1\nlocal_api: {patroni: {ssl: {}}}', 'local_api.patroni.ssl.cert', 'CONFIG_MISSING', /cert_file/],
    [
      'local: h1\nlocal_api: {patroni: {ssl: {client_ca_file: x}}}',
      'local_api.patroni.ssl.client_ca_file',
      'CONFIG_UNKNOWN_KEY',
      /cert/,
    ],
    ['local: h1\nlocal_api: {patroni: {tags: {"a b": 1}}}', 'local_api.patroni.tags', 'CONFIG_NAME', /tag/],
  ])('%s', async (yaml, path, code, words) => {
    const all = await said(yaml)
    expect(all).toContainEqual([path, code, expect.stringMatching(words)])
  })

  test('port 0 is a free port, for each', async () => {
    await using place = await workplace()
    const config = await place.load(`${hosts}local: h1\nport: 0\nlocal_api: {patroni: {port: 0}, primgr: {port: 0}}`)
    expect(config.localApi?.primgr?.port).toBe(0)
  })

  test('local alone earns a warning', async () => {
    await using place = await workplace()
    expect((await place.load(`${hosts}local: h1`)).warnings).toEqual([
      {path: 'local', message: 'has no effect without local_api, guard or rejoin', next: 'Remove it, or add one.'},
    ])
  })

  test('an error of the certificate names its own key', async () => {
    await using place = await workplace()
    const pair = `{cert_file: ${await place.write('c.pem', 'x')}, key_file: ${await place.write('k.pem', 'x')}}`
    const error = await complaint(place.load(`${hosts}local: h1\nlocal_api: {patroni: {ssl: ${pair}}}`))
    expect(error.message).toContain('local_api.patroni.ssl.cert_file does not hold a certificate')
  })
})

describe('the host on this machine', () => {
  const own = {addresses: ['127.0.0.1', '10.0.0.2', 'fd00::2'], hostname: 'Node2.example.net'}
  const found = (...addresses: readonly string[]) => {
    const report = new Report()
    const all = addresses.map((host, index) => hostSettings(`h${index + 1}`, {host}))
    return foundHost(all, own, {report, about: 'local_api answers about'}) ?? report.problems[0]?.message
  }

  test.each([
    ['10.0.0.2', 'an address of an interface'],
    ['fd00:0::0:2', 'IPv6 in another writing'],
    ['node2.example.net', 'the name of the machine'],
    ['NODE2', 'its first label'],
    ['127.0.0.9', 'loopback'],
    ['localhost', 'loopback by name'],
    ['/var/run/postgresql', 'a unix socket'],
  ])('%s: %s', (address) => expect(found('10.0.0.1', address, 'node3.example.net')).toBe('h2'))

  test('an alias counts, but not one with a port, which is a pooler', () => {
    const hostsWith = (alias: string) => [hostSettings('h1', {host: 'a'}), hostSettings('h2', {host: 'b'}, [alias])]
    expect(foundHost(hostsWith('10.0.0.2'), own, {report: new Report(), about: 'local_api answers about'})).toBe('h2')
    expect(
      foundHost(hostsWith('10.0.0.2:6432'), own, {report: new Report(), about: 'local_api answers about'}),
    ).toBeNull()
    expect(foundHost(hostsWith('fd00::2'), own, {report: new Report(), about: 'local_api answers about'})).toBe('h2')
  })

  test('hostaddr decides, where it is given', () => {
    const all = [
      hostSettings('h1', {host: hostname(), hostaddr: '10.0.0.1'}),
      hostSettings('h2', {hostaddr: '10.0.0.2'}),
    ]
    expect(
      foundHost(all, {...own, hostname: hostname()}, {report: new Report(), about: 'local_api answers about'}),
    ).toBe('h2')
  })

  test('two of them: the operator has to say', () => {
    expect(found('127.0.0.1', 'localhost')).toMatch(/h1 and h2 have an address of this machine/)
  })
})
