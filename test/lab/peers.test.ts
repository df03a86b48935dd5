import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import type {WireEvidence} from '../../src/protocol/snapshot-json.ts'
import {followersOf, type PgNode, rejoin, until} from '../support/cluster.ts'
import {lacksLab} from '../support/parts.ts'
import {type Lab, lab} from './cluster.ts'
import {doubleRoutes} from './never-two.ts'
import {type LabServe, labServe} from './serve.ts'

const names = ['left', 'middle', 'right'] as const
type Daemons = Readonly<Record<(typeof names)[number], LabServe>>

/** Three daemons on machines of their own, which ask each other; `confirm` is what routing needs. */
async function daemonsOf({net, cluster}: Lab, confirm: string): Promise<Daemons> {
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-machines-'))
  const started = names.map(async (on, index) => {
    const machineId = join(folder, on)
    await writeFile(machineId, `${String(index + 1).repeat(32)}\n`)
    const urls = names.filter((name) => name !== on).map((name) => `"http://${net.node(name).address}:8080"`)
    const more = [`confirm: [${confirm}]`, `peers: [${urls.join(', ')}]`, 'sustain: 0']
    return [on, await labServe({net, cluster}, {on, more, machineId, probe: 'knock_interval: 1s'})]
  })
  return Object.fromEntries(await Promise.all(started))
}

const groupOf = async (daemon: LabServe) => JSON.parse((await daemon.get('/v1/groups/all')) ?? '{"verdict":{}}')
const routesTo = (host: string | null, ...daemons: readonly LabServe[]) =>
  until(async () => (await Promise.all(daemons.map(groupOf))).every(({verdict}) => verdict.routed_to === host))

/** For ten more answers of host2. */
async function staysUnrouted(daemon: LabServe): Promise<void> {
  const askedAt = async () => JSON.parse((await daemon.get('/v1/hosts/host2')) ?? '{}').asked_at
  for (let answers = 0; answers < 10; answers += 1) {
    const before = await askedAt()
    await until(async () => (await askedAt()) > before)
    expect((await groupOf(daemon)).verdict.routed_to).toBeNull()
  }
}

test.skipIf(lacksLab)(
  'three daemons that ask each other: never two are routed to, and a majority goes on',
  async () => {
    const {net, cluster} = await lab(15, {others: names})
    const [host1, host2, host3] = cluster.nodes as readonly [PgNode, PgNode, PgNode]
    await until(async () => (await followersOf(host1)).join() === 'host2,host3')
    const daemons = await daemonsOf({net, cluster}, 'peers')
    const {left, middle, right} = daemons
    await routesTo('host1', left, middle, right)
    const saidOfHost1 = async () =>
      (await groupOf(left)).evidence?.map(({source, answer, subject}: WireEvidence) =>
        [source, answer, subject].join(' '),
      )
    await until(async () => (await saidOfHost1())?.join() === 'peers confirms host1')

    // A bridge: left sees host1 and host3, right sees host2 alone, and middle sees all of them.
    for (const [one, other] of [
      ['left', 'host2'],
      ['right', 'host1'],
      ['right', 'host3'],
      ['host1', 'host2'],
      ['left', 'right'],
    ] as const)
      await net.cut(one, other)
    await routesTo(null, right)
    await routesTo('host1', left, middle)
    await host2.promote()
    await until(async () => (await groupOf(right)).verdict.primaries.join() === 'host2')
    await routesTo(null, left, middle)
    await staysUnrouted(right)

    // Healed: the old primary follows the new one.
    await host1.kill()
    await net.heal()
    await rejoin(host1, host2)
    await rejoin(host3, host2)
    await routesTo('host2', left, middle, right)

    // The side of the old primary stops, the side of the majority goes on.
    for (const one of ['host2', 'left'])
      for (const other of ['host1', 'host3', 'middle', 'right']) await net.cut(one, other)
    await routesTo(null, left, middle, right)
    await host1.promote()
    await routesTo('host1', middle, right)
    expect((await groupOf(left)).verdict).toMatchObject({rule: 'V3', situation: 'not-confirmed', routed_to: null})
    await host2.kill()
    await net.heal()
    await rejoin(host2, host1)
    await rejoin(host3, host1)
    await routesTo('host1', left, middle, right)
    expect(await doubleRoutes(daemons)).toEqual([])
  },
  600_000,
)
