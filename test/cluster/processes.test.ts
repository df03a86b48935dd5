import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {hostsYaml, startTestCluster} from '../support/cluster.ts'
import {type Etcd, startEtcd} from '../support/etcd.ts'
import {lacks} from '../support/parts.ts'
import {RealSet} from '../support/shared/site.ts'

/** Waits for what other processes do; the limit is there to end a hang. */
async function until(condition: () => Promise<boolean>): Promise<number> {
  const begun = Date.now()
  while (!(await condition())) {
    if (Date.now() - begun > 120_000) throw new Error('it does not come')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return Date.now() - begun
}

describe.skipIf(lacks('etcd'))('three processes of serve over a real etcd of three', () => {
  let etcd: Etcd
  let cluster: Awaited<ReturnType<typeof startTestCluster>>
  let set: RealSet
  beforeAll(async () => {
    ;[etcd, cluster] = await Promise.all([startEtcd({count: 3}), startTestCluster()])
    const hosts = `${hostsYaml(cluster)}\ngroups: {orders: [host1, host2, host3]}\nprobe: {timeout: 2s, max_age: 5s}`
    set = await RealSet.make({endpoints: () => etcd.urls, hosts})
    await set.startAll()
    await until(async () => (await Promise.all(set.running.map(({routed}) => routed('orders')))).every(isHost1))
  })
  afterAll(async () => {
    await set?.[Symbol.asyncDispose]()
    await Promise.all([etcd?.[Symbol.asyncDispose](), cluster?.[Symbol.asyncDispose]()])
  })
  const isHost1 = (host: string | null) => host === 'host1'
  const others = (id: string) => set.running.filter((node) => node.id !== id)
  const owned = async () => {
    let owner: string | null = null
    await until(async () => {
      owner = await set.ownerOf('orders')
      return owner !== null && set.running.some(({id}) => id === owner)
    })
    return owner as unknown as string
  }

  test('an order goes from any instance to the owner, over TLS with certificates of both', async () => {
    const owner = await owned()
    const [other] = others(owner)
    if (other === undefined) throw new Error('one instance')
    const drained = await other.command('drain', 'host2', '--reason', 'new disks')
    expect(drained).toMatchObject({code: 0, stdout: expect.stringContaining('host2 is drained')})
    await until(async () => (await other.snapshot())?.hosts.host2?.drained != null)
    expect((await other.snapshot())?.hosts.host2?.drained).toMatchObject({reason: 'new disks'})
    const {stdout, code} = await other.command('instances')
    expect(code).toBe(0)
    for (const id of set.ids) expect(stdout).toContain(id)
    expect(stdout).toContain('etcd: in reach')
  })

  test('kill -9 of the owner: another owns the group, with the drain', async () => {
    const owner = await owned()
    await set.kill(owner)
    await until(async () => ![null, owner].includes(await set.ownerOf('orders')))
    await until(async () => (await Promise.all(set.running.map(({routed}) => routed('orders')))).every(isHost1))
    for (const {snapshot} of set.running)
      expect((await snapshot())?.hosts.host2?.drained).toMatchObject({reason: 'new disks'})
    await set.start(owner)
    await until(async () => isHost1(await set.node(owner).routed('orders')))
  })

  test('SIGSTOP of the owner: what was decided meanwhile holds when it goes on', async () => {
    const owner = await owned()
    const frozen = set.node(owner)
    frozen.child.kill('SIGSTOP')
    const [other] = others(owner)
    await until(async () => ![null, owner].includes((await other?.set())?.groups.orders?.owner ?? null))
    await until(async () => isHost1((await other?.routed('orders')) ?? null))
    expect(await other?.command('drain', 'host1')).toMatchObject({code: 0})
    // An answer may be as old as max_age.
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    frozen.child.kill('SIGCONT')
    const routes: (string | null)[] = []
    await until(async () => {
      routes.push(await frozen.routed('orders'))
      return (await frozen.snapshot())?.hosts.host1?.drained != null
    })
    expect(routes.filter((route) => route !== null)).toEqual([])
    expect(frozen.output()).toMatch(/stood still past its lease|has another owner/)
    expect(await other?.command('resume', 'host1')).toMatchObject({code: 0})
    await until(async () => (await Promise.all(set.running.map(({routed}) => routed('orders')))).every(isHost1))
  })

  test('etcd without a quorum: the answers go on, and orders are refused', async () => {
    const owner = await owned()
    etcd.freeze(1)
    etcd.freeze(2)
    try {
      await until(async () => (await set.node(owner).set())?.registry.lease_valid === false)
      for (const {routed} of set.running) expect(await routed('orders')).toBe('host1')
      const refused = await set.node(owner).command('drain', 'host1')
      expect(refused).toMatchObject({code: 2, stderr: expect.stringContaining('nothing was done')})
      expect(await set.node(owner).routed('orders')).toBe('host1')
    } finally {
      etcd.thaw(1)
      etcd.thaw(2)
    }
    await until(async () =>
      (await Promise.all(set.running.map(({set: seen}) => seen()))).every(
        (seen) => seen?.registry.lease_valid === true,
      ),
    )
  })

  test('SIGTERM of the owner: the group is given away, and the others go on to answer', async () => {
    await until(async () => (await owned()) !== '' && (await set.node(await owned()).routed('orders')) === 'host1')
    const owner = await owned()
    const [other] = others(owner)
    let isOver = false
    const routes = new Set<string | null>()
    const watching = (async () => {
      while (!isOver) {
        routes.add((await other?.routed('orders')) ?? null)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    await set.kill(owner, 'SIGTERM')
    await until(async () => ![null, owner].includes((await other?.set())?.groups.orders?.owner ?? null))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    isOver = true
    await watching
    expect([...routes]).toEqual(['host1'])
    await set.start(owner)
  })

  test('an instance with another configuration takes nothing, and is told', async () => {
    const [id = ''] = set.ids
    await set.kill(id, 'SIGTERM')
    await set.start(id, 'followers: {max_age: 2s}')
    await until(async () => ((await set.node(id).set())?.warnings.length ?? 0) > 0)
    const {stdout} = await set.node(id).command('instances')
    expect(stdout).toMatch(/warning: .* has configuration \w+ and \w+ has \w+: they take no groups/)
    expect(await set.ownerOf('orders')).not.toBe(id)
    await until(async () => isHost1(await set.node(id).routed('orders')))
    expect(await set.node(id).command('instances', 'adopt')).toMatchObject({code: 0})
    await until(async () => (await set.ownerOf('orders')) === id)
    await until(async () => (await Promise.all(set.running.map(({routed}) => routed('orders')))).every(isHost1))
  })
})
