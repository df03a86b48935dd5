import {expect, test} from 'vitest'
import {followersOf, type PgNode, rejoin, until} from '../support/cluster.ts'
import {lacksLab} from '../support/parts.ts'
import {lab} from './cluster.ts'
import {labServe} from './serve.ts'

/** Each daemon reaches one of two primaries, and both reach the standby between. */
test.skipIf(lacksLab).each(['majority', 'followers'])(
  'two daemons and a bridge: %s lets one of them route, and not the other',
  async (confirm) => {
    const {net, cluster} = await lab(15, {others: ['left', 'right']})
    const [host1, host2, host3] = cluster.nodes as readonly [PgNode, PgNode, PgNode]
    await until(async () => (await followersOf(host1)).join() === 'host2,host3')
    const more = [`confirm: [${confirm}]`, 'sustain: 0']
    const [left, right] = await Promise.all(
      ['left', 'right'].map((on) => labServe({net, cluster}, {on, more, probe: 'knock_interval: 1s'})),
    )
    if (left === undefined || right === undefined) throw new Error('no daemons')
    const verdictOf = async (daemon: typeof left) => JSON.parse((await daemon.get('/v1/groups/all')) ?? '{}').verdict
    const concludes = (daemon: typeof left, rule: string) => until(async () => (await verdictOf(daemon))?.rule === rule)
    await concludes(left, 'V4')
    await concludes(right, 'V4')

    for (const [one, other] of [
      ['left', 'host2'],
      ['right', 'host1'],
      ['host1', 'host2'],
    ] as const)
      await net.cut(one, other)
    await concludes(right, 'V5')
    await host2.promote()
    await until(async () => (await verdictOf(right))?.primaries.join() === 'host2')
    await concludes(left, 'V4')
    const askedAt = async () => JSON.parse((await right.get('/v1/hosts/host3')) ?? '{}').asked_at
    for (let answers = 0; answers < 10; answers += 1) {
      const before = await askedAt()
      await until(async () => (await askedAt()) > before)
      expect((await verdictOf(right)).routed_to).toBeNull()
    }
    const {changes} = JSON.parse((await right.get('/v1/changes')) ?? '{}')
    const ruled = (changes as readonly {host: string | null; rule: string | null}[]).map(
      ({host, rule}) => `${rule} ${host}`,
    )
    expect(ruled).not.toContain('V4 host2')

    // The bridge goes over to the new primary: now the other daemon stops.
    await rejoin(host3, host2)
    await until(async () => (await followersOf(host2)).join() === 'host3')
    await until(async () => (await verdictOf(left)).routed_to === null)
  },
)
