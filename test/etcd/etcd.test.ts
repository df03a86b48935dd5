import {mkdtempSync, readFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {Etcd2} from '../../src/etcd/etcd2.ts'
import {Etcd3} from '../../src/etcd/etcd3.ts'
import {follow} from '../../src/etcd/follow.ts'
import {systemClock} from '../../src/system/clock.ts'
import {makeCertificates} from '../support/certificates.ts'
import {type Etcd, startEtcd} from '../support/etcd.ts'
import {lacks} from '../support/parts.ts'
import {json, rawServer} from '../support/raw-server.ts'

const clock = systemClock
/** Waits for what another process does; the limit is there to end a hang. */
async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 60_000
  while (!condition()) {
    if (Date.now() > end) throw new Error('it does not come')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** What a follower was told, in order. */
function followed(etcd: Etcd3, prefix: string) {
  const told: string[] = []
  const lost: string[] = []
  const stop = new AbortController()
  const listener = {
    onAll: ({kvs}: {kvs: readonly {key: string; value: string}[]}) =>
      void told.push(`all ${kvs.map(({key, value}) => `${key}=${value}`).join(' ')}`.trim()),
    onEvents: (events: readonly {type: string; kv: {key: string; value: string}}[]) =>
      void told.push(...events.map(({type, kv}) => (type === 'put' ? `${kv.key}=${kv.value}` : `${kv.key} gone`))),
    onLost: (error: Error) => void lost.push(error.message),
    onLive: () => void told.push('live'),
  }
  const ended = follow({etcd, random: () => 0.5}, prefix, listener, stop.signal)
  return {
    told,
    lost,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
    },
  }
}

describe.skipIf(lacks('etcd'))('one real etcd', () => {
  let server: Etcd
  beforeAll(async () => {
    server = await startEtcd()
  })
  afterAll(() => server?.[Symbol.asyncDispose]())
  const patient = () => new Etcd3({endpoints: server.urls, clock, timeoutMs: 30_000})

  test('a key, a prefix, and no key', async () => {
    await server.put('/service/a/leader', 'nöde1')
    await server.put('/service/a/members/node1', '{}')
    await server.put('/service/ab/leader', 'other')
    const etcd = patient()
    const {kvs} = await etcd.range('/service/a/', {isPrefix: true})
    expect(kvs.map(({key, value, lease}) => [key, value, lease])).toEqual([
      ['/service/a/leader', 'nöde1', null],
      ['/service/a/members/node1', '{}', null],
    ])
    expect((await etcd.range('/service/none')).kvs).toEqual([])
  })

  test('the lease of a key: what is left of it, and when it is gone', async () => {
    const {ID} = (await server.post('/v3/lease/grant', {TTL: '600'})) as {ID: string}
    await server.put('/service/l/leader', 'node1', ID)
    const etcd = patient()
    const lease = (await etcd.range('/service/l/leader')).kvs[0]?.lease ?? ''
    expect(lease).toBe(ID)
    const {grantedSeconds, leftSeconds} = await etcd.leaseTime(lease)
    expect(grantedSeconds).toBe(600)
    expect(leftSeconds).toBeGreaterThan(500)
    await server.post('/v3/lease/revoke', {ID})
    expect((await etcd.leaseTime(lease)).leftSeconds).toBeLessThan(0)
    expect((await etcd.range('/service/l/leader')).kvs).toEqual([])
  })

  test('a watch tells all, then each change in order', async () => {
    await server.put('/service/w/leader', 'node1')
    await using watch = followed(patient(), '/service/w/')
    await until(() => watch.told.length === 1)
    for (const value of ['node2', 'node3']) await server.put('/service/w/leader', value)
    await server.remove('/service/w/leader')
    await until(() => watch.told.length === 4)
    const leader = '/service/w/leader'
    expect(watch.told).toEqual([`all ${leader}=node1`, `${leader}=node2`, `${leader}=node3`, `${leader} gone`])
    expect(watch.lost).toEqual([])
  })

  test('a silent watch is not lost: its endpoint is asked, and answers', async () => {
    await using watch = followed(patient(), '/service/quiet/')
    await until(() => watch.told.length === 1)
    // More than two beats. What is shown is that nothing happens.
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    await server.put('/service/quiet/x', '1')
    await until(() => watch.told.length === 2)
    expect([watch.told, watch.lost]).toEqual([['all', '/service/quiet/x=1'], []])
  })

  test('v2: a registrator, a directory without keys, and no key', async () => {
    await server.put2('/dingo-8008/1.cell:8008', '10.66.0.11:8008')
    await server.put2('/dingo-8008/2.cell:8008', '10.66.0.12:8008')
    const etcd = new Etcd2({endpoints: server.urls, clock, timeoutMs: 30_000})
    // etcd tells the keys of a directory in no order.
    expect((await etcd.list('dingo-8008'))?.map(({key, value}) => [key, value]).toSorted()).toEqual([
      ['/dingo-8008/1.cell:8008', '10.66.0.11:8008'],
      ['/dingo-8008/2.cell:8008', '10.66.0.12:8008'],
    ])
    expect(await etcd.list('/none')).toBeNull()
  })
})

describe.skipIf(lacks('etcd'))('three real members', () => {
  test('a member dies: reads and watch go on at another, without a gap', async () => {
    await using server = await startEtcd({count: 3})
    const etcd = new Etcd3({endpoints: server.urls, clock, timeoutMs: 5_000})
    await using watch = followed(etcd, '/service/k/')
    await until(() => watch.told.length === 1)
    await server.kill(0)
    const [, second = ''] = server.urls
    await until(() => watch.lost.length > 0)
    await retried(() => server.put('/service/k/leader', 'node2'))
    await until(() => watch.told.includes('/service/k/leader=node2'))
    // The watch may live again before that. A put whose answer was lost may have been done, and is done again.
    expect([...new Set(watch.told)].filter((told) => told !== 'live')).toEqual(['all', '/service/k/leader=node2'])
    expect((await etcd.range('/service/k/leader')).kvs[0]?.value).toBe('node2')
    expect(etcd.endpoints.current).not.toBe(server.urls[0])
    expect(second).not.toBe('')
  })

  test('a member freezes: its open watch is left, and nothing is lost', async () => {
    await using server = await startEtcd({count: 3})
    const etcd = new Etcd3({endpoints: [...server.urls].reverse(), clock, timeoutMs: 750})
    await using watch = followed(etcd, '/service/f/')
    await until(() => watch.told.length === 1)
    const watched = server.urls.indexOf(etcd.endpoints.current)
    server.freeze(watched)
    try {
      await until(() => watch.lost.length > 0)
      const other = new Etcd3({endpoints: server.urls.filter((_, index) => index !== watched), clock, timeoutMs: 5_000})
      await retried(() => other.range('/service/f/'))
      if (watched === 0) throw new Error('the first endpoint is for the writer')
      await retried(() => server.put('/service/f/leader', 'node2'))
      await until(() => watch.told.includes('/service/f/leader=node2'))
      expect(watch.told.filter((told) => told === 'all')).toHaveLength(1)
    } finally {
      server.thaw(watched)
    }
  })
})

/** While the members elect, they refuse. */
async function retried<T>(run: () => Promise<T>): Promise<T> {
  for (let left = 600; ; left--) {
    try {
      return await run()
    } catch (error) {
      if (left === 0) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

test('a watch whose revision etcd has compacted: everything is read anew', async () => {
  const all = (value: string, revision: string) => ({
    header: {revision},
    kvs: [{key: 'L2E=', value, mod_revision: '4'}],
  })
  const ranges = [all('MQ==', '4'), all('Mg==', '9')]
  const compacted = {result: {header: {revision: '9'}, created: true, canceled: true, compact_revision: '8'}}
  const starts: string[] = []
  await using server = await rawServer(({path, body}) => {
    if (path === '/version') return json({etcdserver: '3.5.9'})
    if (path === '/v3/kv/range') return json(ranges.shift() ?? {header: {}})
    starts.push((JSON.parse(body) as {create_request: {start_revision: string}}).create_request.start_revision)
    return starts.length === 1 ? json(`${JSON.stringify(compacted)}\n`) : 'hang'
  })
  await using watch = followed(new Etcd3({endpoints: [server.url], clock, timeoutMs: 30_000}), '/a')
  await until(() => starts.length === 2)
  expect([watch.told, starts]).toEqual([
    ['all /a=1', 'all /a=2'],
    ['5', '10'],
  ])
})

test('a watch that was lost lives again, although nothing changes', async () => {
  const starts: string[] = []
  await using server = await rawServer(({path, body}) => {
    if (path === '/version') return json({etcdserver: '3.5.9'})
    if (path === '/v3/kv/range') return json({header: {revision: '4'}, kvs: []})
    starts.push((JSON.parse(body) as {create_request: {start_revision: string}}).create_request.start_revision)
    return starts.length === 1 ? json({error: 'etcdserver: no leader', code: 14}) : 'hang'
  })
  await using watch = followed(new Etcd3({endpoints: [server.url], clock, timeoutMs: 30_000}), '/a')
  await until(() => watch.told.includes('live'))
  expect([watch.told, watch.lost.length, starts]).toEqual([['all', 'live'], 1, ['5', '5']])
})

describe.skipIf(lacks('etcd') || lacks('openssl'))('a real etcd with TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-etcd-'))
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  beforeAll(() => makeCertificates(folder))
  const key = '/service/t/leader'
  const common = {clock, timeoutMs: 30_000}

  test('a client certificate, and what each failure is called', async () => {
    await using server = await startEtcd({tlsFolder: folder, asksClients: true})
    await server.put(key, 'node1')
    const {urls: endpoints} = server
    const own = {cert: read('server.crt'), key: read('server.key')}
    const etcd = new Etcd3({...common, endpoints, tls: {ca: read('ca.crt'), ...own}})
    expect((await etcd.range(key)).kvs).toHaveLength(1)
    await expect(new Etcd3({...common, endpoints, tls: own}).range(key)).rejects.toMatchObject({reason: 'tls'})
    const bare = new Etcd3({...common, endpoints, tls: {ca: read('ca.crt')}})
    // Since TLS 1.3 the client learns of the refusal by the end of the connection alone.
    await expect(bare.range(key)).rejects.toThrow(/Does it ask for a client certificate\?/)
    const plain = new Etcd3({...common, endpoints: endpoints.map((url) => url.replace('https', 'http'))})
    await expect(plain.range(key)).rejects.toMatchObject({name: 'EtcdError'})
  })

  test('users: none, a wrong password, and a token that ended', async () => {
    await using server = await startEtcd({tlsFolder: folder})
    await server.put(key, 'node1')
    const options = {...common, endpoints: server.urls, tls: {ca: read('ca.crt')}}
    // A user is named before etcd asks for one.
    expect((await new Etcd3({...options, user: 'root', password: 'wörd'}).range(key)).kvs).toHaveLength(1)
    await server.post('/v3/auth/user/add', {name: 'root', password: 'wörd'})
    await server.post('/v3/auth/role/add', {name: 'root'})
    await server.post('/v3/auth/user/grant', {user: 'root', role: 'root'})
    await server.post('/v3/auth/enable', {})

    await expect(new Etcd3(options).range(key)).rejects.toMatchObject({reason: 'auth'})
    const wrong = new Etcd3({...options, user: 'root', password: 'wrong'})
    await expect(wrong.range(key)).rejects.toMatchObject({reason: 'auth'})
    await expect(wrong.range(key)).rejects.toThrow(/^(?!.*wrong)/)
    const etcd = new Etcd3({...options, user: 'root', password: 'wörd'})
    await using watch = followed(etcd, '/service/t/')
    await until(() => watch.told.length === 1)
    expect(watch.told).toEqual([`all ${key}=node1`])

    // To disable authentication ends every token.
    const signIn = await server.post('/v3/auth/authenticate', {name: 'root', password: 'wörd'})
    const {token} = signIn as {token: string}
    await server.post('/v3/auth/disable', {}, {authorization: token})
    await server.post('/v3/auth/enable', {})
    expect((await etcd.range(key)).kvs).toHaveLength(1)
  })
})
