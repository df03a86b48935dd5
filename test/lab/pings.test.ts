import {expect, test} from 'vitest'
import {causeOf} from '../../src/core/snapshot.ts'
import {type Cluster, type PgNode, until} from '../support/cluster.ts'
import {testedVersions} from './postgresql.ts'
import {dies, three} from './servers.ts'
import {type Witness, witness} from './witness.ts'

/** Between two probes lies an hour: what is seen earlier, a ping or a closed session has told. */
const pingsAlone = {intervalMs: 3_600_000, fastIntervalMs: 3_600_000, maxAgeMs: 7_200_000, timeoutMs: 60_000}

const pinged = testedVersions.filter((version) => version !== 13)

test.each(pinged)('PostgreSQL %s: a promotion is seen without a probe that was due', async (version) => {
  const {cluster, host1, host2} = await three(version)
  const seen = await witness(cluster, {probe: {...pingsAlone, knockIntervalMs: 3_600_000}})
  await seen.concludes({rule: 'V4', routedTo: 'host1'})
  await dies(host1, seen)
  await host2.promote()
  await seen.concludes({rule: 'V4', routedTo: 'host2'})
})

test.each(pinged)(
  'PostgreSQL %s: all its processes are frozen: hung, long before a limit of a probe',
  async (version) => {
    const {cluster, host1} = await three(version)
    const patient = {timeoutMs: 60_000, maxAgeMs: 120_000, knockIntervalMs: 3_600_000, pingTimeoutMs: 500}
    const seen = await witness(cluster, {probe: patient})
    await seen.concludes({rule: 'V4', routedTo: 'host1'})
    // The first ping of a session is a trial. Between two probes it was answered.
    await probed(seen, 3)
    host1.hang()
    await until(() => causeOf(seen.host('host1')) === 'hung')
    host1.thaw()
    await seen.concludes({rule: 'V4', routedTo: 'host1'})
  },
)

test.each(testedVersions)('PostgreSQL %s at rest: no line in the log, and no new session', async (version) => {
  const {cluster} = await three(version)
  const seen = await witness(cluster, {probe: {fastPingIntervalMs: 20, knockIntervalMs: 200}})
  await seen.concludes({rule: 'V4', routedTo: 'host1'})
  const before = await atRest(cluster)
  await probed(seen, 20)
  expect(await atRest(cluster)).toEqual(before)
})

/** What PostgreSQL has logged of us, and our sessions. */
async function atRest({nodes}: Cluster) {
  const sessions = (node: PgNode) =>
    node.sql(
      // The backend of a knock asks nothing.
      "select pid || ' ' || backend_start as backend from pg_stat_activity " +
        "where usename = 'pgroute66' and query <> '' order by 1",
    )
  return Promise.all(nodes.map(async (node) => ({lines: node.log.split('\n'), sessions: await sessions(node)})))
}

async function probed(seen: Witness, times: number): Promise<void> {
  for (let turn = 0; turn < times; turn += 1) {
    const {askedAt} = seen.host('host1')
    await until(() => seen.host('host1').askedAt !== askedAt)
  }
}
