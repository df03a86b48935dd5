import {describe, expect, test} from 'vitest'
import {effective} from '../../src/config/printing/effective.ts'
import {problems, workplace} from './workplace.ts'

const three = 'hosts: {h1: {host: a}, h2: {host: b}, h3: {host: c}}\n'
const url = 'http://10.0.0.1:8008'

test('a group has its Patroni: files are relative to the configuration, and all of it is shown', async () => {
  await using place = await workplace()
  const patroni = {
    scope: 'main',
    urls: ['https://10.0.0.1:8008', 'https://10.0.0.2:8008'],
    namespace: '/db',
    etcd: {api: 'v2', endpoints: ['https://10.0.0.10:2379'], ca_file: 'ca.pem', user: 'u', password_file: 'pw'},
    via: 'etcd',
    ca_file: 'ca.pem',
    cert_file: 'cert.pem',
    key_file: 'key.pem',
    members: {h1: 'node1'},
  }
  const group = `{hosts: [h1, h2, h3], confirm: [patroni], patroni: ${JSON.stringify(patroni)}}`
  const yaml = `${three}groups: {orders: ${group}}`
  const config = await place.load(yaml)
  const at = (file: string) => `${place.directory}/${file}`
  const settings = {
    scope: 'main',
    namespace: '/db',
    urls: patroni.urls,
    etcd: {
      api: 'v2',
      endpoints: ['https://10.0.0.10:2379'],
      caFile: at('ca.pem'),
      certFile: null,
      keyFile: null,
      user: 'u',
      passwordFile: at('pw'),
    },
    via: 'etcd',
    caFile: at('ca.pem'),
    certFile: at('cert.pem'),
    keyFile: at('key.pem'),
    members: {h1: 'node1'},
  }
  expect(config.groups).toMatchObject([{confirm: ['patroni'], onSilent: 'deny', patroni: settings}])
  const etcd = {...patroni.etcd, ca_file: at('ca.pem'), password_file: at('pw')}
  const files = {etcd, ca_file: at('ca.pem'), cert_file: at('cert.pem'), key_file: at('key.pem')}
  expect(effective(config)).toMatchObject({groups: {orders: {patroni: {...patroni, ...files}}}})
})

test('at the top it is the Patroni of the one group; without the key, Patroni is not asked', async () => {
  await using place = await workplace()
  const config = await place.load(`${three}patroni: {scope: main, urls: ["${url}"]}`)
  expect(config.groups).toMatchObject([
    {patroni: {scope: 'main', namespace: '/service', urls: [url], etcd: null, via: 'both', caFile: null, members: {}}},
  ])
  expect((await place.load(three)).groups).toMatchObject([{patroni: null}])
})

test('with etcd the members are found there, and no URL is needed', async () => {
  await using place = await workplace()
  const config = await place.load(`${three}patroni: {scope: main, etcd: {endpoints: ["http://a:2379"]}}`)
  expect(config.groups).toMatchObject([{patroni: {urls: [], etcd: {api: 'v3', user: null}}}])
})

test('two hosts whose primary Patroni confirms earn no warning of a standby that is away', async () => {
  await using place = await workplace()
  const two = `hosts: {h1: {host: a}, h2: {host: b}}\npatroni: {scope: main, urls: ["${url}"]}\n`
  expect((await place.load(`${two}confirm: [patroni]`)).warnings).toEqual([])
  expect((await place.load(`${two}confirm: [patroni, followers]`)).warnings).toMatchObject([
    {message: 'requires followers of two hosts only, so writes stop while the standby is away'},
  ])
})

describe('what is refused', () => {
  const patroni = (more: string) => `${three}patroni: {scope: main, urls: ["${url}"]${more}}`
  test.each<[title: string, yaml: string, path: string, code: string, word: string]>([
    ['a confirmation without its key', `${three}confirm: [patroni]`, 'confirm', 'CONFIG_MISSING', 'scope'],
    ['no scope', `${three}patroni: {urls: ["${url}"]}`, 'patroni.scope', 'CONFIG_MISSING', "Patroni's configuration"],
    ['no member', `${three}patroni: {scope: main}`, 'patroni.urls', 'CONFIG_MISSING', 'http://HOST:8008'],
    ['a typing error', patroni(', url: x'), 'patroni.url', 'CONFIG_UNKNOWN_KEY', '"urls"'],
    ['no URL', `${three}patroni: {scope: main, urls: [node1]}`, 'patroni.urls[0]', 'CONFIG_VALUE', '"node1"'],
    ['another scheme', `${three}patroni: {scope: m, urls: ["etcd://a"]}`, 'patroni.urls[0]', 'CONFIG_VALUE', 'https'],
    [
      'a path',
      `${three}patroni: {scope: m, urls: ["${url}/leader"]}`,
      'patroni.urls[0]',
      'CONFIG_VALUE',
      'http://HOST:PORT',
    ],
    ['a key without its certificate', patroni(', key_file: k'), 'patroni.cert_file', 'CONFIG_MISSING', 'neither'],
    ['a certificate without its key', patroni(', cert_file: k'), 'patroni.key_file', 'CONFIG_MISSING', 'neither'],
    ['a key that is not read', patroni(', via: etcd'), 'patroni.etcd', 'CONFIG_MISSING', 'via: rest'],
    ['an etcd without endpoints', patroni(', etcd: {}'), 'patroni.etcd.endpoints', 'CONFIG_MISSING', '2379'],
    ['another via', patroni(', via: dcs'), 'patroni.via', 'CONFIG_VALUE', 'etcd'],
    [
      'a user without a password',
      patroni(', etcd: {endpoints: ["http://a:2379"], user: u}'),
      'patroni.etcd.password_file',
      'CONFIG_MISSING',
      'neither',
    ],
    [
      'an endpoint that is none',
      patroni(', etcd: {endpoints: [a]}'),
      'patroni.etcd.endpoints[0]',
      'CONFIG_VALUE',
      'http',
    ],
    ['a member of no host', patroni(', members: {h4: n}'), 'patroni.members.h4', 'CONFIG_UNKNOWN_HOST', 'h1'],
    ['one member twice', patroni(', members: {h1: n, h2: n}'), 'patroni.members', 'CONFIG_CONFLICT', 'h1 and h2'],
    [
      'one Patroni for two groups',
      `${patroni('')}\ngroups: {a: [h1, h2], b: [h3]}`,
      'patroni',
      'CONFIG_CONFLICT',
      'in the group',
    ],
  ])('%s', async (_, yaml, path, code, word) => {
    await using place = await workplace()
    const found = await problems(place.load(yaml))
    expect(found).toMatchObject([{path, code}])
    expect(`${found[0]?.message} ${found[0]?.next}`).toContain(word)
  })

  test('a URL with a password is not shown', async () => {
    await using place = await workplace()
    const [problem] = await problems(place.load(`${three}patroni: {scope: m, urls: ["http://u:hunter2@a:8008"]}`))
    expect(problem?.path).toBe('patroni.urls[0]')
    expect(JSON.stringify(problem)).not.toContain('hunter2')
  })
})

describe('on_silent: hold', () => {
  const held = (more: string) => `${three}patroni: {scope: m, urls: ["${url}"]}\nconfirm: [patroni]\n${more}`
  test('needs no failover_after: the cluster tells its own pace', async () => {
    await using place = await workplace()
    const {groups} = await place.load(held('on_silent: {hold: 10s}'))
    expect(groups).toMatchObject([{onSilent: {holdMs: 10_000}}])
  })
  test("a group's own failover_after counts before the general one", async () => {
    await using place = await workplace()
    const group = 'groups: {main: {hosts: [h1, h2, h3], confirm: [peers], peers: ["https://a:1"], '
    const text = `${three}failover_after: 30s\n${group}on_silent: {hold: 10s}, failover_after: 10s}}`
    expect(await problems(place.load(text))).toMatchObject([{path: 'groups.main.on_silent', code: 'CONFIG_HOLD'}])
    const {groups} = await place.load(text.replace('failover_after: 10s', 'failover_after: 11s'))
    expect(groups).toMatchObject([{failoverAfterMs: 11_000}])
  })
  test('must be less than a failover_after that is given', async () => {
    await using place = await workplace()
    const found = await problems(place.load(held('on_silent: {hold: 10s}\nfailover_after: 10s')))
    expect(found).toMatchObject([{path: 'on_silent', code: 'CONFIG_HOLD'}])
  })
})
