import {describe, expect, test} from 'vitest'
import type {Clock} from '../../src/core/ports.ts'
import {EtcdError} from '../../src/etcd/error.ts'
import {PatroniClient} from '../../src/patroni/client.ts'
import type {Discovery} from '../../src/patroni/discovery/discovery.ts'
import {PatroniError} from '../../src/patroni/error.ts'
import {json, type RawReply, type RawRequest, type RawServer, rawServer, sentence} from '../support/raw-server.ts'

const seen = Math.floor(Date.parse('Sat, 28 Nov 2026 22:07:34 GMT') / 1_000)
const statusOf = (name: string, role: string) => ({
  state: 'running',
  role,
  timeline: 7,
  dcs_last_seen: seen,
  patroni: {version: '4.1.4', scope: 'pg', name},
})

/** Members on real ports: which one leads can be changed, and what each does with an order. */
async function cluster(names: readonly string[]) {
  const servers = new Map<string, RawServer>()
  const state = {
    leader: names[0] ?? '',
    isDcsAway: false,
    order: (_request: RawRequest): RawReply => sentence('Successfully switched over'),
  }
  const reply = (name: string, request: RawRequest): RawReply => {
    if (request.method !== 'GET') return state.order(request)
    const status = statusOf(name, name === state.leader ? 'primary' : 'replica')
    if (request.path === '/leader') return json(status, name === state.leader ? '200 OK' : '503 Service Unavailable')
    if (request.path !== '/cluster') return json(status)
    if (state.isDcsAway) return 'close'
    const members = [...servers].map(([member, {url}]) => ({
      name: member,
      role: member === state.leader ? 'leader' : 'replica',
      state: 'running',
      api_url: `${url}/patroni`,
    }))
    return json({members})
  }
  for (const name of names) servers.set(name, await rawServer((request) => reply(name, request)))
  return {
    state,
    urls: [...servers.values()].map(({url}) => url),
    urlOf: (name: string) => servers.get(name)?.url ?? '',
    requests: () => [...servers.values()].flatMap(({requests}) => requests),
    stop: async (name: string) => servers.get(name)?.[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      for (const server of servers.values()) await server[Symbol.asyncDispose]()
    },
  }
}
/** Pauses and the time for a failover pass at once; the limits of single requests never end. */
function hurried(): Clock {
  let now = 0
  const after = (ms: number, run: () => void) => {
    if (ms >= 30_000) return () => {}
    const timer = setImmediate(() => {
      now += ms
      run()
    })
    return () => clearImmediate(timer)
  }
  return {now: () => now, wall: () => now, after}
}
const patient = {timeoutMs: 60_000}
const names = ['node1', 'node2', 'node3'] as const

describe('who leads', () => {
  test('each member is asked once, for itself, and a silent one is no denial', async () => {
    await using site = await cluster(names)
    await site.stop('node3')
    const client = new PatroniClient({urls: site.urls, ...patient})
    const {holder, denials, silent} = await client.leader()
    expect(holder).toMatchObject({name: 'node1', member: site.urlOf('node1'), timeline: 7})
    expect(denials.map(({name}) => name)).toEqual(['node2'])
    expect(silent).toMatchObject([{member: site.urlOf('node3'), error: {reason: 'refused'}}])
    expect(site.requests().map(({path}) => path)).toEqual(['/leader', '/leader'])
  })

  test('0.90, as the seed recorded it: no GET /leader, no name, no timeline', async () => {
    const common = {
      database_system_identifier: '6304830698674094206',
      postmaster_start_time: '2016-07-08 06:03:11.407 UTC',
      patroni: {scope: '025ea0b0-710e-4da2-890d-f245a4d35259', version: '0.90'},
      state: 'running',
      server_version: 90503,
    }
    const old = (role: string, xlog: object) =>
      rawServer(({path}) => json({...common, role, xlog}, path === `/${role}` ? '200 OK' : '503 Service Unavailable'))
    await using master = await old('master', {location: 100663392})
    const received = {
      received_location: 100663392,
      replayed_timestamp: null,
      paused: false,
      replayed_location: 100663392,
    }
    await using replica = await old('replica', received)
    const client = new PatroniClient({urls: [replica.url, master.url], ...patient})
    const {holder, denials} = await client.leader()
    expect(holder).toMatchObject({member: master.url, name: null, timeline: null, dcsAgeSeconds: null})
    expect(denials).toMatchObject([{member: replica.url, answer: {data: {role: 'replica', xlog: received}}}])
  })
})

describe('questions about the cluster', () => {
  test('the next member answers where the first one is silent', async () => {
    await using site = await cluster(names)
    await site.stop('node1')
    const {data, member, from} = await new PatroniClient({urls: site.urls, ...patient}).cluster()
    expect([data?.members.length, member, from]).toEqual([3, site.urlOf('node2'), 'dcs'])
  })

  test('while the DCS is away, each member speaks for itself', async () => {
    await using site = await cluster(names)
    site.state.isDcsAway = true
    await site.stop('node3')
    const {data, from} = await new PatroniClient({urls: site.urls, ...patient}).cluster()
    expect(from).toBe('members')
    expect(data?.members).toMatchObject([
      {name: 'node1', role: 'leader', timeline: 7},
      {name: 'node2', role: 'replica'},
    ])
    expect(data?.members).toHaveLength(2)
    for (const {lag} of data?.members ?? []) expect(lag).toBeUndefined()
  })

  test('all silent: the error names a member', async () => {
    await using site = await cluster(['node1'])
    await site.stop('node1')
    const call = new PatroniClient({urls: site.urls, ...patient}).cluster()
    await expect(call).rejects.toMatchObject({kind: 'transport', reason: 'refused', member: site.urlOf('node1')})
  })

  test('a member by its name, where only URLs were given', async () => {
    await using site = await cluster(names)
    const client = new PatroniClient({urls: site.urls.slice(0, 1), ...patient})
    expect((await client.member('node3')).url).toBe(site.urlOf('node3'))
    await expect(client.member('node9')).rejects.toMatchObject({kind: 'request', delivery: 'not-sent'})
    expect(await client.status({member: 'node2'})).toMatchObject({data: {patroni: {name: 'node2'}}})
  })

  test('a question to one member needs its name where there are several', async () => {
    await using site = await cluster(names)
    await expect(new PatroniClient({urls: site.urls}).restart()).rejects.toMatchObject({kind: 'request'})
    expect(site.requests()).toEqual([])
  })

  test('a discovery is asked each time: members come and go', async () => {
    await using site = await cluster(names)
    let known = [{url: site.urlOf('node1'), name: 'node1'}]
    const discovery: Discovery = {members: async () => known}
    const client = new PatroniClient({discovery, ...patient})
    expect((await client.leader()).holder?.name).toBe('node1')
    known = [{url: site.urlOf('node2'), name: 'node2'}]
    expect(await client.leader()).toMatchObject({holder: null, denials: [{name: 'node2'}]})
  })
})

describe('orders that move the leader', () => {
  const order = {leader: 'node1', candidate: 'node2'}

  test('a lost answer: the order is sent once, and who leads is read', async () => {
    await using site = await cluster(names)
    site.state.order = () => {
      site.state.leader = 'node2'
      return 'close'
    }
    const moved = await new PatroniClient({urls: site.urls, ...patient}).switchover(order, {wait: true})
    expect(moved).toMatchObject({answer: null, isMoved: true, leader: {holder: {name: 'node2'}}})
    expect(moved.error).toMatchObject({delivery: 'maybe-sent'})
    expect(site.requests().filter(({method}) => method === 'POST')).toHaveLength(1)
  })

  test('without wait, a lost answer says only that it is lost', async () => {
    await using site = await cluster(names)
    site.state.order = () => 'close'
    const moved = await new PatroniClient({urls: site.urls, ...patient}).switchover(order)
    expect(moved).toMatchObject({answer: null, isMoved: null, leader: null})
  })

  test('"done" is read as well: the candidate leads, or it is not true', async () => {
    await using site = await cluster(names)
    site.state.order = () => {
      site.state.leader = 'node2'
      return sentence('Successfully failed over to "node2"')
    }
    const moved = await new PatroniClient({urls: site.urls, ...patient}).failover({candidate: 'node2'}, {wait: true})
    expect(moved).toMatchObject({answer: {outcome: 'done'}, isMoved: true, leader: {holder: {name: 'node2'}}})
  })

  test('the old leader still leads when the time is over: not moved', async () => {
    await using site = await cluster(names)
    site.state.order = () => 'close'
    const client = new PatroniClient({urls: site.urls, ...patient, clock: hurried()})
    const call = client.switchover(order, {wait: true})
    expect(await call).toMatchObject({isMoved: false, leader: {holder: {name: 'node1'}}})
  })

  test('a discovery that fails after the order hides nothing of it', async () => {
    await using site = await cluster(['node1'])
    let isAway = false
    site.state.order = () => {
      isAway = true
      return 'close'
    }
    const members = async () => {
      if (isAway) throw new EtcdError('timeout', 'http://e1', 'no answer')
      return [{url: site.urlOf('node1'), name: 'node1'}]
    }
    const client = new PatroniClient({discovery: {members}, ...patient, clock: hurried()})
    const moved = await client.switchover(order, {wait: true})
    expect(moved).toMatchObject({answer: null, error: {delivery: 'maybe-sent'}, isMoved: null, leader: null})
  })

  test('no member answers the question before an order: the order was not sent', async () => {
    await using server = await rawServer(() => 'close')
    const client = new PatroniClient({urls: [server.url], ...patient})
    for (const call of [client.patchConfig({}), client.cancelSwitchover(), client.switchover(order)])
      await expect(call).rejects.toMatchObject({delivery: 'not-sent', reason: 'closed'})
    expect(new Set(server.requests.map(({method}) => method))).toEqual(new Set(['GET']))
  })

  test('a refusal is told as it is, and nothing is read', async () => {
    await using site = await cluster(names)
    site.state.order = () => sentence('leader name does not match', '412 Precondition Failed')
    const moved = await new PatroniClient({urls: site.urls, ...patient}).switchover(order, {wait: true})
    expect(moved).toMatchObject({answer: {outcome: 'refused', text: 'leader name does not match'}, isMoved: null})
  })

  test('no member answers: certainly not sent', async () => {
    await using site = await cluster(['node1'])
    await site.stop('node1')
    const call = new PatroniClient({urls: site.urls, ...patient}).switchover(order, {wait: true})
    await expect(call).rejects.toMatchObject({delivery: 'not-sent', reason: 'refused'})
  })
})

test.each([[[]], [['ftp://m1']], [['http://user:word@m1']]])('refused addresses: %j', (urls) => {
  expect(() => new PatroniClient({urls})).toThrow(PatroniError)
})

test('a certificate without its key is refused', () => {
  expect(() => new PatroniClient({urls: ['https://m1'], tls: {cert: 'x'}})).toThrow(/cert and key belong together/)
})
