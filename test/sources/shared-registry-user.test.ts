import {mkdtempSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import type {Instance} from '../../src/cluster/record.ts'
import type {RegistryWrite} from '../../src/cluster/registry.ts'
import {nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {EtcdRegistry} from '../../src/sources/shared/etcd-registry.ts'
import {readRoom} from '../../src/sources/shared/room.ts'
import {systemClock as clock} from '../../src/system/clock.ts'
import {makeCertificates} from '../support/certificates.ts'
import {type Etcd, startEtcd} from '../support/etcd.ts'
import {lacks} from '../support/parts.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const lb1: Instance = {
  ...{id: 'lb1', session: 's1', url: 'https://lb1', version: 'test'},
  ...{configHash: 'c1', isLeaving: false, routers: []},
}
const owner = {id: 'lb1', session: 's1'}
const owned: RegistryWrite = {
  kind: 'group',
  name: 'orders',
  revision: 0n,
  record: {owner, epoch: 1, next: null, configHash: 'c1', memory: nothingRemembered},
}

/** docs/scale.md: a user with rights on /pgroute66/SET/ alone, over TLS. */
describe.skipIf(lacks('etcd'))('an etcd with users and TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-shared-user-'))
  const passwordFile = join(folder, 'password')
  let server: Etcd
  beforeAll(async () => {
    makeCertificates(folder)
    server = await startEtcd({tlsFolder: folder})
    const post = (path: string, body: object) => server.post(`/v3/auth/${path}`, body)
    await post('role/add', {name: 'set'})
    const range = {key: base64('/pgroute66/prod/'), range_end: base64('/pgroute66/prod0')}
    await post('role/grant', {name: 'set', perm: {permType: 'READWRITE', ...range}})
    await post('role/add', {name: 'root'})
    for (const [name, role] of [
      ['root', 'root'],
      ['pgroute66', 'set'],
    ]) {
      await post('user/add', {name, password: 'first'})
      await post('user/grant', {user: name, role})
    }
    await post('enable', {})
    writeFileSync(passwordFile, 'first')
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  const registry = (set: string) => {
    const etcd = {endpoints: server.urls, caFile: join(folder, 'ca.crt'), certFile: null, keyFile: null}
    return new EtcdRegistry({set, etcd: {...etcd, user: 'pgroute66', passwordFile}, clock, random: Math.random})
  }
  const {signal} = new AbortController()

  test('rights on the own prefix are enough to join, write, follow, and leave', async () => {
    const prod = registry('prod')
    const joined = await prod.join(lb1, 600_000, signal)
    if (joined === 'taken') throw new Error('taken')
    const stop = new AbortController()
    const seen = new Promise<void>((resolve) => {
      const listener = {
        seen: ({groups}: {groups: ReadonlyMap<string, unknown>}) => groups.has('orders') && resolve(),
        lost: () => {},
      }
      void prod.follow(listener, stop.signal)
    })
    expect((await prod.commit(joined, lb1, [owned], signal)).succeeded).toBe(true)
    await seen
    stop.abort()
    expect(await prod.keepAlive(joined, signal)).toBe(true)
    await prod.leave(joined, signal)
    expect((await prod.read(signal)).instances.size).toBe(0)
  })

  test('it tells how full it is, although only root may ask for alarms', async () => {
    const room = await readRoom(await registry('prod').writer(), signal)
    expect(room).toMatchObject({refusal: null, quotaBytes: expect.any(Number)})
    expect(room.sizeBytes).toBeGreaterThan(0)
  })

  test('the prefix of another set is refused, with the words of etcd', async () => {
    await expect(registry('test').read(signal)).rejects.toThrow('permission denied')
  })

  test('a password that was changed is read again', async () => {
    const prod = registry('prod')
    await prod.read(signal)
    const {token} = (await server.post('/v3/auth/authenticate', {name: 'root', password: 'first'})) as {token: string}
    await server.post('/v3/auth/user/changepw', {name: 'pgroute66', password: 'second'}, {authorization: token})
    await expect(prod.read(signal)).rejects.toThrow()
    writeFileSync(passwordFile, 'second')
    expect((await prod.read(signal)).groups.has('orders')).toBe(true)
  })
})
