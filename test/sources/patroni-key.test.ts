import {once} from 'node:events'
import {copyFileSync, mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, onTestFinished, test} from 'vitest'
import type {PatroniSettings} from '../../src/core/settings.ts'
import {KeyWatch} from '../../src/sources/patroni/key-watch.ts'
import {type LeaderTree, openTree} from '../../src/sources/patroni/leader-tree.ts'
import {systemClock} from '../../src/system/clock.ts'
import {makeCertificates} from '../support/certificates.ts'
import {type Etcd, startEtcd} from '../support/etcd.ts'
import {lacks} from '../support/parts.ts'
import {VirtualClock} from '../support/virtual-clock.ts'
import {until} from './pg-until.ts'

const patroni: PatroniSettings = {
  scope: 'pg',
  namespace: '/service',
  urls: [],
  etcd: null,
  via: 'both',
  caFile: null,
  certFile: null,
  keyFile: null,
  members: {},
}
const files = {caFile: null, certFile: null, keyFile: null, user: null, passwordFile: null}
const member = (name: string, role: string) =>
  JSON.stringify({
    conn_url: `postgres://10.0.0.${name.at(-1)}:5433/postgres`,
    api_url: `http://10.0.0.${name.at(-1)}:8008/patroni`,
    state: 'running',
    role,
    timeline: 3,
  })

/** An etcd with the keys of a cluster, whose leader is node1. */
async function cluster(count = 1) {
  const etcd = await startEtcd({count})
  onTestFinished(() => etcd[Symbol.asyncDispose]())
  await etcd.put('/service/pg/config', '{"ttl": 20, "loop_wait": 2}')
  await etcd.put('/service/pg/members/node1', member('node1', 'master'))
  await etcd.put('/service/pg/members/node2', member('node2', 'replica'))
  await etcd.put('/service/pg2/leader', 'other')
  await lead(etcd, 'node1')
  return etcd
}

async function lead(etcd: Etcd, name: string): Promise<void> {
  const {ID} = (await etcd.post('/v3/lease/grant', {TTL: 20})) as {ID: string}
  await etcd.put('/service/pg/leader', name, ID)
}

function watched(
  etcd: Etcd,
  intervalMs: number,
  {api = 'v3', ...own}: Partial<typeof files & {api: 'v2' | 'v3'}> = {},
) {
  const heard: LeaderTree[] = []
  const watch = new KeyWatch({
    open: () =>
      openTree(patroni, {...files, ...own, api, endpoints: etcd.urls}, {clock: systemClock, random: Math.random}),
    clock: systemClock,
    intervalMs,
    maxAgeMs: 3_000,
    heard: (tree) => void heard.push(tree),
    changed: () => {},
  })
  onTestFinished(() => watch[Symbol.asyncDispose]())
  return {watch, heard}
}

const leaderOf = ({key}: KeyWatch) => (key.kind === 'read' ? key.leader : undefined)

describe.skipIf(lacks('etcd'))('the leader key', () => {
  test('is read with its lease and the members, from this cluster alone', async () => {
    const {watch, heard} = watched(await cluster(), 50)
    await until(
      () => leaderOf(watch),
      (leader) => leader === 'node1',
    )
    const {key} = watch
    expect(key).toMatchObject({
      kind: 'read',
      leader: 'node1',
      lease: {grantedMs: 20_000},
      members: [
        {
          name: 'node1',
          role: 'primary',
          state: 'running',
          timeline: 3,
          address: {host: '10.0.0.1', port: 5433},
          apiUrl: 'http://10.0.0.1:8008/patroni',
        },
        {name: 'node2', role: 'replica'},
      ],
    })
    expect(key.kind === 'read' && key.lease?.leftMs).toBeGreaterThan(0)
    expect(heard).toMatchObject([{leader: 'node1', config: {ttl: 20, loop_wait: 2}}])
  })

  test('is read at once when it changes or goes, however long the interval is', async () => {
    const etcd = await cluster()
    const {watch} = watched(etcd, 3_600_000)
    await until(
      () => leaderOf(watch),
      (leader) => leader === 'node1',
    )
    // The watch begins after the first read: what changes before it is noticed too.
    await lead(etcd, 'node2')
    await until(
      () => leaderOf(watch),
      (leader) => leader === 'node2',
    )
    await etcd.remove('/service/pg/leader')
    await until(
      () => leaderOf(watch),
      (leader) => leader === null,
    )
    expect(watch.key).toMatchObject({kind: 'read', lease: null})
  })

  test('is read elsewhere where an endpoint hangs; without any, it is unread and says why', async () => {
    const etcd = await cluster(3)
    const {watch} = watched(etcd, 100)
    await until(
      () => leaderOf(watch),
      (leader) => leader === 'node1',
    )
    etcd.freeze(0)
    const before = systemClock.now()
    await until(
      () => watch.key,
      (key) => key.kind === 'read' && key.askedAt > before + 100,
    )
    for (const index of [1, 2]) await etcd.kill(index)
    const unread = await until(
      () => watch.key,
      ({kind}) => kind === 'unread',
    )
    expect(unread).toMatchObject({kind: 'unread'})
    expect(unread.kind === 'unread' && unread.why).toContain('etcd at http://127.0.0.1')
    etcd.thaw(0)
  })

  test('the v2 API tells of a change at once, too', async () => {
    const etcd = await startEtcd()
    onTestFinished(() => etcd[Symbol.asyncDispose]())
    await etcd.put2('/service/pg/leader', 'node1', 600)
    const {watch} = watched(etcd, 3_600_000, {api: 'v2'})
    await until(
      () => leaderOf(watch),
      (leader) => leader === 'node1',
    )
    await etcd.put2('/service/pg/leader', 'node2', 600)
    await until(
      () => leaderOf(watch),
      (leader) => leader === 'node2',
    )
    await etcd.remove2('/service/pg/leader')
    await until(
      () => leaderOf(watch),
      (leader) => leader === null,
    )
  })

  test('certificates that were renewed are read again, ours and those of the authority', async () => {
    const [folder, other] = ['a', 'b'].map((name) => mkdtempSync(join(tmpdir(), `pgroute66-${name}-`))) as [
      string,
      string,
    ]
    for (const one of [folder, other]) makeCertificates(one)
    const etcd = await startEtcd({tlsFolder: folder, asksClients: true})
    onTestFinished(() => etcd[Symbol.asyncDispose]())
    await etcd.put('/service/pg/leader', 'node1')
    const own = mkdtempSync(join(tmpdir(), 'pgroute66-own-'))
    const install = (from: string, ...names: readonly string[]) => {
      for (const name of names) copyFileSync(join(from, name), join(own, name))
    }
    install(other, 'ca.crt', 'server.crt', 'server.key')
    const named = {caFile: 'ca.crt', certFile: 'server.crt', keyFile: 'server.key'}
    const paths = Object.entries(named).map(([key, name]) => [key, join(own, name)])
    const {watch} = watched(etcd, 50, Object.fromEntries(paths))
    await until(
      () => watch.key,
      (key) => key.kind === 'unread' && key.why.includes('certificate'),
    )
    install(folder, 'ca.crt')
    await until(
      () => watch.key,
      (key) => key.kind === 'unread' && !key.why.includes('self-signed'),
    )
    install(folder, 'server.crt', 'server.key')
    await until(
      () => leaderOf(watch),
      (leader) => leader === 'node1',
    )
  })

  test('the v2 API tells the same', async () => {
    const etcd = await startEtcd()
    onTestFinished(() => etcd[Symbol.asyncDispose]())
    await etcd.put2('/service/pg/leader', 'node1')
    await etcd.put2('/service/pg/members/node1', member('node1', 'master'))
    const tree = await openTree(
      patroni,
      {...files, api: 'v2', endpoints: etcd.urls},
      {clock: systemClock, random: Math.random},
    )
    const signal = AbortSignal.timeout(60_000)
    expect(await tree.read(signal)).toMatchObject({
      leader: 'node1',
      lease: null,
      members: [{name: 'node1', role: 'primary', address: {host: '10.0.0.1', port: 5433}}],
    })
  })
})

test('an account that etcd refuses is tried once an interval, although each new watch calls', async () => {
  const clock = new VirtualClock()
  let reads = 0
  await using watch = new KeyWatch({
    open: async () => ({
      async read(signal) {
        // Without the pause, the virtual time would stand still.
        if (++reads > 50) await once(signal, 'abort')
        throw Object.assign(new Error('permission denied'), {reason: 'auth'})
      },
      async follow(changed, signal) {
        changed()
        await once(signal, 'abort')
      },
    }),
    clock,
    intervalMs: 1_000,
    maxAgeMs: 3_000,
    heard: () => {},
    changed: () => {},
  })
  await clock.run(3_500)
  expect([reads, watch.key]).toEqual([4, {kind: 'unread', why: 'permission denied'}])
})
