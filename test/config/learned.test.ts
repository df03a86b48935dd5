import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import {afterEach, expect, test} from 'vitest'
import {askPatroni} from '../../src/config/learning/ask-patroni.ts'
import {keepMembers} from '../../src/config/learning/kept-members.ts'
import type {Learned, LearnedMember} from '../../src/config/learning/learned.ts'
import {hostNames, withThoseBefore} from '../../src/config/learning/members.ts'
import {loadConfig} from '../../src/config/load.ts'
import {complaint, problems, workplace} from './workplace.ts'

let servers: Server[] = []
afterEach(() => {
  for (const server of servers) server.close()
  servers = []
})

/** The answers of Patroni 3.0.2 (its /cluster has no scope), ended by the end of the connection. */
async function patroni(members: object[], paths: string[] = []): Promise<string> {
  const server = createServer(({url}, response) => {
    paths.push(url ?? '')
    response.removeHeader('content-length')
    response.setHeader('connection', 'close')
    if (url === '/cluster') response.end(JSON.stringify({members}))
    else response.end(JSON.stringify({state: 'running', patroni: {version: '3.0.2', scope: 'main'}}))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const member = (name: string, host: string, port: number | string = 5432) => ({name, host, port, role: 'replica'})

test('a URL alone is a configuration: hosts, scope and group are learned', async () => {
  await using place = await workplace()
  const url = await patroni([member('node2', '10.0.0.2', '5433'), member('node1', '10.0.0.1'), {name: 'starting'}])
  const config = await place.load(`patroni: ${url}`, {PGUSER: ''})
  expect(config.hosts.map(({name, connection}) => [name, connection.host, connection.port])).toEqual([
    ['node1', '10.0.0.1', 5432],
    ['node2', '10.0.0.2', 5433],
  ])
  expect(config.hosts[0]?.connection).toMatchObject({user: 'pgroute66', dbname: 'postgres'})
  expect(config.groups).toMatchObject([{hosts: ['node1', 'node2'], patroni: {scope: 'main', urls: [url], members: {}}}])
  const mapping = await place.load(`patroni: {urls: ["http://127.0.0.1:1", "${url}"]}\nconfirm: [patroni]`)
  expect(mapping.warnings).toMatchObject([{path: 'state_dir', next: 'Set state_dir.'}])
  expect((await place.load(`patroni: ${url}\nstate_dir: state`)).warnings).toEqual([])
  expect([mapping.hosts.length, mapping.hosts[0]?.connection.user]).toEqual([2, 'tester'])
})

test('names that no host can have get another one, and stay known as members', async () => {
  await using place = await workplace()
  const url = await patroni([member('db 1', '10.0.0.1'), member('db_1', '10.0.0.2'), member('all', '10.0.0.3')])
  const {hosts, groups} = await place.load(`patroni: ${url}`)
  expect(hosts.map(({name}) => name)).toEqual(['host-all', 'db-1', 'db_1'])
  expect(groups[0]?.patroni?.members).toEqual({'host-all': 'all', 'db-1': 'db 1'})
  expect([...hostNames([member('a b', '::1', 1), member('a-b', '::1', 2)] as LearnedMember[]).keys()]).toEqual([
    'a-b',
    'a-b-1',
  ])
})

test('what the daemon kept: for checks, for a start without Patroni, and beside what is told', async () => {
  await using place = await workplace()
  const paths: string[] = []
  const url = await patroni([member('node2', '10.0.0.2')], paths)
  const text = `patroni: ${url}\nstate_dir: state`
  const before = [
    {name: 'node1', host: '10.0.0.1', port: 5432},
    {name: 'node3', host: '10.0.0.2', port: 5432},
  ]
  await keepMembers(join(place.directory, 'state'), [url], {scope: 'main', members: before})
  const names = async (learning?: 'anew' | 'told') => {
    const path = await place.write('pgroute66.yml', text)
    const {hosts} = await loadConfig({path, env: place.env, cwd: place.directory, learning})
    return hosts.map(({name}) => name)
  }
  expect([await names(), paths]).toEqual([['node1', 'node3'], []])
  expect(await names('anew')).toEqual(['node1', 'node2'])
  expect(await names('told')).toEqual(['node2'])
  for (const server of servers) server.close()
  expect(await names('anew')).toEqual(['node1', 'node3'])
})

test('hosts in force stay, without state_dir and with another URL', async () => {
  await using place = await workplace()
  const first = await place.load(`patroni: ${await patroni([member('node1', '10.0.0.1')])}`)
  const url = await patroni([member('node2', '10.0.0.2')])
  const path = await place.write('pgroute66.yml', `patroni: ${url}`)
  const names = async (learning: 'anew' | 'told', before: Learned | null) => {
    const {hosts} = await loadConfig({path, env: place.env, cwd: place.directory, learning, before})
    return hosts.map(({name}) => name)
  }
  expect(await names('anew', first.learned)).toEqual(['node1', 'node2'])
  expect(await names('told', first.learned)).toEqual(['node2'])
  const second = await loadConfig({path, env: place.env, cwd: place.directory})
  for (const server of servers) server.close()
  expect(await names('told', second.learned)).toEqual(['node2'])
  expect((await complaint(names('told', first.learned))).message).toContain('tells no hosts')
})

test('an answer of another scope is refused, unless an operator sees the hosts that go', async () => {
  await using place = await workplace()
  const url = await patroni([member('node2', '10.0.0.2')])
  const {learned} = await place.load(`patroni: ${url}`)
  if (learned === null) throw new Error('nothing was learned')
  const path = await place.write('pgroute66.yml', `patroni: {scope: main, urls: ["${url}"]}`)
  const before = {...learned, cluster: {...learned.cluster, scope: 'old'}}
  const asked = {path, env: place.env, cwd: place.directory, before}
  const told = await problems(loadConfig({...asked, learning: 'anew'}))
  expect(told).toMatchObject([
    {code: 'CONFIG_CONFLICT', path: 'patroni', message: 'tells the scope "main", the daemon knows "old"'},
  ])
  expect((await loadConfig({...asked, learning: 'told'})).hosts).toHaveLength(1)
})

test('a URL with a login is refused: nothing is asked, and nothing of the login is told', async () => {
  await using place = await workplace()
  const paths: string[] = []
  const url = await patroni([member('node1', '10.0.0.1')], paths)
  for (const login of ['user:hunter2', ':hunter2', 'hunter2']) {
    const found = await problems(place.load(`patroni: ${url.replace('//', `//${login}@`)}`))
    expect(found).toMatchObject([{path: 'patroni.urls[0]', code: 'CONFIG_VALUE'}])
    expect(JSON.stringify(found)).not.toContain('hunter2')
  }
  expect(paths).toEqual([])
  const at = {urls: ['http://user:hunter2@127.0.0.1:1'], caFile: null, certFile: null, keyFile: null}
  expect(await askPatroni(at)).toBe('http://127.0.0.1:1: ECONNREFUSED')
  const etcd = 'patroni: {scope: a, etcd: {endpoints: ["http://:hunter2@127.0.0.1:2379"]}}'
  expect(await problems(place.load(`hosts: {h: {host: 127.0.0.1}}\n${etcd}`))).toMatchObject([
    {path: 'patroni.etcd.endpoints[0]'},
  ])
})

test('another scope, or the same place: what is known of before', () => {
  const told = {scope: 'a', members: [{name: 'n2', host: 'h2', port: 1}]}
  expect(withThoseBefore(told, null)).toEqual(told)
  const other = {scope: 'b', members: [{name: 'n1', host: 'h1', port: 1}]}
  expect(withThoseBefore(told, other)).toBe(other)
  const before = {
    scope: 'a',
    members: [
      {name: 'n1', host: 'h1', port: 1},
      {name: 'n2', host: 'h9', port: 1},
    ],
  }
  expect(withThoseBefore(told, before).members).toEqual([before.members[0], told.members[0]])
})

test('what cannot be learned is refused, with the reason and its line', async () => {
  await using place = await workplace()
  const gone = await complaint(place.load('port: 8080\npatroni: http://127.0.0.1:1'))
  expect(gone.message).toMatch(/:2:\d+: patroni tells no hosts: http:\/\/127\.0\.0\.1:1: ECONNREFUSED/)
  const empty = await patroni([])
  expect((await complaint(place.load(`patroni: ${empty}`))).message).toContain(`${empty} names no member`)
  const url = await patroni([member('node1', '10.0.0.1')])
  expect((await complaint(place.load(`patroni: {scope: other, urls: ["${url}"]}`))).message).toContain(
    'patroni.scope is not "main", which the members tell',
  )
  const hosts = 'hosts: {h: {host: 127.0.0.1}}'
  expect((await complaint(place.load(`${hosts}\npatroni: ${url}`))).message).toContain('patroni.scope is missing')
  expect((await complaint(place.load('port: 8080'))).message).toContain('names no host')
})
