import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {PatroniClient} from '../../src/patroni/client.ts'
import {consulDiscovery} from '../../src/patroni/discovery/consul.ts'
import {etcdDiscovery, registratorDiscovery} from '../../src/patroni/discovery/etcd.ts'
import {restDiscovery} from '../../src/patroni/discovery/rest.ts'
import {treeOf} from '../../src/patroni/discovery/tree.ts'
import {type Etcd, startEtcd} from '../support/etcd.ts'
import {lacks} from '../support/parts.ts'
import {json, type RawReply, type RawRequest, type RawServer, rawServer} from '../support/raw-server.ts'

/** Recorded: the tree of 4.1.4 by the v3 gateway, that of 3.0.2 by v2, a registrator, a standby cluster. */
const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'fixtures', 'patroni', 'dcs.json'), 'utf8'),
) as {
  range414: object
  keys2: object
  registrator: object
  failover2: {node: {value: string}}
  standby: Record<string, string>
}
const timeoutMs = 30_000
const nodes = (last: readonly number[]) =>
  last.map((byte) => ({name: `node${byte}`, url: `http://10.66.0.1${byte}:8008`}))

/** A server that answers with a recorded body: etcd's version first. */
const recordedEtcd = (body: object, version = '3.4.23') =>
  rawServer(({path}) => json(path === '/version' ? {etcdserver: version, etcdcluster: '3.4.0'} : body))

describe("Patroni's tree", () => {
  test('etcd v3, as 4.1.4 wrote it', async () => {
    await using server = await recordedEtcd(recorded.range414)
    const discovery = etcdDiscovery({endpoints: [server.url], scope: 'pg4', timeoutMs})
    expect(await discovery.members()).toEqual(nodes([1, 2, 3]))
    const {leader, initialize, config, failover, members} = await discovery.tree()
    expect([leader, initialize, config.ttl, failover]).toEqual(['node1', '7713347123608339929', 20, null])
    expect(members[0]).toMatchObject({name: 'node1', role: 'primary', state: 'running', timeline: 1, version: '4.1.4'})
    const asked = JSON.parse(server.requests.at(-1)?.body ?? '') as {key: string; serializable?: boolean}
    expect(Buffer.from(asked.key, 'base64').toString()).toBe('/service/pg4/')
    expect(asked.serializable).toBeUndefined()
  })

  test.each([
    ['3.3.27', '/v3beta/kv/range'],
    ['3.6.1', '/v3/kv/range'],
  ])('etcd %s is asked at %s', async (version, path) => {
    await using server = await recordedEtcd(recorded.range414, version)
    await etcdDiscovery({endpoints: [server.url], scope: 'pg4', timeoutMs}).members()
    expect(server.requests.map((request) => request.path)).toEqual(['/version', path])
  })

  test('etcd 3.2 has no such gateway, and the error says so', async () => {
    await using server = await recordedEtcd(recorded.range414, '3.2.26')
    const call = etcdDiscovery({endpoints: [server.url], scope: 'pg4', timeoutMs}).members()
    await expect(call).rejects.toThrow(/etcd 3\.2\.26 at .* has no v3 gateway: 3\.3 or newer has one/)
  })

  test('etcd v2, as 3.0.2 wrote it', async () => {
    await using server = await rawServer(() => json(recorded.keys2))
    const discovery = etcdDiscovery({api: 'v2', endpoints: [server.url], scope: 'pg2', timeoutMs})
    expect(await discovery.members()).toEqual(nodes([1, 2, 3]))
    expect(await discovery.tree()).toMatchObject({leader: 'node1', members: [{role: 'primary'}, {}, {}]})
    expect(server.requests[0]?.path).toBe('/v2/keys/service/pg2?recursive=true&quorum=true')
  })

  test('without the v2 API the error says what etcd needs', async () => {
    await using server = await rawServer(() => 'HTTP/1.1 404 Not Found\r\n\r\n404 page not found\n')
    const call = etcdDiscovery({api: 'v2', endpoints: [server.url], scope: 'pg2', timeoutMs}).members()
    await expect(call).rejects.toThrow(/has no v2 API: etcd 3\.4 and 3\.5 need --enable-v2, 3\.6 has no v2 API/)
  })

  test('consul, in the shape that its documentation shows', async () => {
    const keys = Object.entries(recorded.standby)
    const entry = ([key, value]: [string, string]) => ({
      LockIndex: 1,
      Key: key.slice(1),
      Flags: 0,
      Value: Buffer.from(value).toString('base64'),
      Session: 'adf4238a-882b-9ddc-4a9d-5b6758e4159e',
      CreateIndex: 100,
      ModifyIndex: 200,
    })
    const reply = ({path, head}: RawRequest): RawReply => {
      if (!/^x-consul-token: s3cret\r?$/im.test(head)) return 'HTTP/1.1 403 Forbidden\r\n\r\nPermission denied'
      return path.startsWith('/v1/kv/service/pgsb/') ? json(keys.map(entry)) : 'HTTP/1.1 404 Not Found\r\n\r\n'
    }
    await using server = await rawServer(reply)
    const place = {url: server.url, token: 's3cret', timeoutMs}
    const {leader, members, config} = await consulDiscovery({...place, scope: 'pgsb'}).tree()
    expect([leader, members.length, members[0]?.role]).toEqual(['node4', 1, 'standby_leader'])
    expect(config).toHaveProperty('standby_cluster.host', '10.66.0.13')
    expect(server.requests[0]?.path).toBe('/v1/kv/service/pgsb/?recurse&consistent')
    expect(await consulDiscovery({...place, scope: 'none'}).members()).toEqual([])
    const denied = consulDiscovery({url: server.url, scope: 'pgsb', timeoutMs}).members()
    await expect(denied).rejects.toThrow(/consul at .* answers 403: Permission denied/)
  })

  test('values that are none are left out, and the rest is read', () => {
    const tree = treeOf(
      new Map([
        ['leader', 'node1'],
        ['config', '[]'],
        ['failover', recorded.failover2.node.value],
        ['members/node1', '{"api_url": "http://10.66.0.11:8008/patroni"}'],
        ['members/node2', 'nonsense'],
        ['members/node3', '{"api_url": 5}'],
      ]),
    )
    expect(tree.members.map(({name}) => name)).toEqual(['node1'])
    expect(tree).toMatchObject({leader: 'node1', config: {}, failover: {leader: 'node1', member: 'node2'}})
  })
})

describe('registrator', () => {
  test('recorded: host and port of each, without names', async () => {
    await using server = await rawServer(() => json(recorded.registrator))
    const discovery = registratorDiscovery({endpoints: [server.url], key: 'dingo-postgresql95-8008', timeoutMs})
    expect(await discovery.members()).toEqual(nodes([1, 2, 3]).map(({url}) => ({url, name: null})))
  })

  test('no key, and a directory without keys: nothing is registered', async () => {
    const missing = json({errorCode: 100, message: 'Key not found', cause: '/none', index: 146}, '404 Not Found')
    await using none = await rawServer(() => missing)
    await using empty = await rawServer(() => json({action: 'get', node: {key: '/none', dir: true}}))
    for (const {url} of [none, empty])
      expect(await registratorDiscovery({endpoints: [url], key: 'none', timeoutMs}).members()).toEqual([])
  })
})

describe('by REST, from any member', () => {
  const members = (servers: readonly RawServer[]) =>
    servers.map(({url}, index) => ({
      name: `node${index + 1}`,
      role: 'replica',
      state: 'running',
      api_url: `${url}/patroni`,
    }))

  test('one address is enough, and what was learned outlives it', async () => {
    const servers: RawServer[] = []
    const reply = ({path}: RawRequest) => json(path === '/cluster' ? {members: members(servers)} : {})
    for (let index = 0; index < 3; index++) servers.push(await rawServer(reply))
    const discovery = restDiscovery({urls: [servers[0]?.url ?? ''], timeoutMs})
    const all = servers.map(({url}, index) => ({name: `node${index + 1}`, url}))
    expect(await discovery.members()).toEqual(all)
    await servers[0]?.[Symbol.asyncDispose]()
    expect(await discovery.members()).toEqual(all)
    expect(servers[1]?.requests.map(({path}) => path)).toEqual(['/cluster'])
    for (const server of servers.slice(1)) await server[Symbol.asyncDispose]()
    expect(await discovery.members()).toEqual(all)
  })

  test('an address of our own for a member takes the place of its api_url', async () => {
    const status = {state: 'running', role: 'primary', patroni: {version: '4.1.4', scope: 'pg', name: 'node1'}}
    const told = [
      {name: 'node1', role: 'leader', state: 'running', api_url: 'http://10.66.0.11:8008/patroni'},
      {name: 'node2', role: 'replica', state: 'running', api_url: 'http://10.66.0.12:8008/patroni'},
    ]
    await using server = await rawServer(({path}) => json(path === '/cluster' ? {members: told} : status))
    expect(await restDiscovery({urls: [server.url], timeoutMs}).members()).toEqual([
      {name: 'node1', url: server.url},
      {name: 'node2', url: 'http://10.66.0.12:8008'},
    ])
  })

  test('while the DCS is away, the addresses that were given', async () => {
    await using server = await rawServer(({path}) => (path === '/cluster' ? 'close' : json({})))
    expect(await restDiscovery({urls: [server.url], timeoutMs}).members()).toEqual([{name: null, url: server.url}])
  })
})

describe.skipIf(lacks('etcd'))('with a real etcd', () => {
  let etcd: Etcd
  beforeAll(async () => {
    etcd = await startEtcd()
  })
  afterAll(() => etcd?.[Symbol.asyncDispose]())

  test('the client finds who leads, by the tree in v3, in v2, and by a registrator', async () => {
    const status = {state: 'running', role: 'primary', timeline: 3, patroni: {version: '3.0.2', scope: 'pg'}}
    await using server = await rawServer(() => json(status))
    const member = JSON.stringify({api_url: `${server.url}/patroni`, role: 'master', state: 'running'})
    await etcd.put('/service/pg/members/node1', member)
    await etcd.put2('/service/pg/members/node1', member)
    await etcd.put2('/postgres-8008/1', server.url.replace('http://', ''))
    const place = {endpoints: etcd.urls, timeoutMs}
    for (const discovery of [
      etcdDiscovery({...place, scope: 'pg'}),
      etcdDiscovery({...place, scope: 'pg', api: 'v2'}),
      registratorDiscovery({...place, key: 'postgres-8008'}),
    ]) {
      const {holder} = await new PatroniClient({discovery, timeoutMs}).leader()
      expect(holder).toMatchObject({member: server.url, timeline: 3})
    }
  })
})
