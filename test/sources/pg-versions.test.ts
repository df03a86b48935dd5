import {expect, test} from 'vitest'
import {type HostSession, isFailure} from '../../src/core/ports.ts'
import {ofVersion, testedVersions} from '../lab/postgresql.ts'
import {followersOf, type PgNode, testCluster, until} from '../support/cluster.ts'
import {driverFor, within} from './pg-server.ts'

const driverOf = ({port}: PgNode) => driverFor({port, user: 'pgroute66'})

async function opened(node: PgNode): Promise<HostSession> {
  const session = await driverOf(node).open(within())
  if (isFailure(session)) throw new Error(session.detail)
  return session
}

async function probed(session: HostSession, nudge = false) {
  const facts = await session.probe({nudge}, within())
  if (isFailure(facts)) throw new Error(facts.detail)
  return facts
}

test.each(testedVersions)(
  'PostgreSQL %s tells a role with pg_read_all_stats all that the judge asks',
  async (version) => {
    const cluster = await testCluster({nodes: 2, ...(await ofVersion(version))})
    const [host1, host2] = cluster.nodes as readonly [PgNode, PgNode]
    await until(async () => (await followersOf(host1)).join() === 'host2')
    const [primary, standby] = [await opened(host1), await opened(host2)]
    if (version !== 'installed') expect(Math.floor(primary.facts.serverVersion / 10_000)).toBe(version)

    const above = await probed(primary, true)
    expect(above).toMatchObject({inRecovery: false, timeline: 1, readOnly: false, receiver: null})
    expect(above.senders).toEqual([expect.objectContaining({applicationName: 'host2', state: 'streaming'})])
    expect(Math.abs((above.clockMs ?? 0) - Date.now())).toBeLessThan(60_000)
    expect(above.flushLsn).not.toBeNull()

    await until(async () => (await probed(standby)).receiver?.status === 'streaming')
    const below = await probed(standby)
    expect(below).toMatchObject({inRecovery: true, timeline: 1, applyDelayMs: 0, replayPaused: false})
    expect(below.receiver).toMatchObject({senderPort: host1.port, receivedTimeline: 1})
    expect(below.receiver?.lastMessageSentMs).toBeGreaterThan(0)
    expect(below.receiver?.lastMessageAgeMs).toBeGreaterThanOrEqual(0)

    expect(await driverOf(host1).knock(within())).toMatchObject({kind: 'fine'})
    expect(await standby.hasBackend(primary.facts.backendPid, primary.facts.backendStart ?? '', within())).toBe(false)
    await host2.promote()
    expect(await probed(standby)).toMatchObject({inRecovery: false, timeline: 2})

    const told = new Promise((resolve) => primary.onClosed(resolve))
    await host1.sql(`select pg_terminate_backend(${primary.facts.backendPid})`)
    expect(await told).toMatchObject({cause: 'closed', isOrdered: true})
    standby.close()
  },
)
