import type {StopMode} from '../../src/demo/postmaster.ts'
import {followersOf, type PgNode, testCluster, until} from '../support/cluster.ts'
import {ofVersion, type testedVersions} from './postgresql.ts'
import type {Witness} from './witness.ts'

/** Three servers on this machine: host2 and host3 stream from host1. */
export async function three(version: (typeof testedVersions)[number] = 'installed') {
  const cluster = await testCluster(await ofVersion(version))
  const [host1, host2, host3] = cluster.nodes as readonly [PgNode, PgNode, PgNode]
  await host1.sql('create table written (n int)')
  await streams(host1, 'host2,host3')
  return {cluster, host1, host2, host3}
}

export const streams = (from: PgNode, names: string) => until(async () => (await followersOf(from)).join() === names)
export const write = (node: PgNode, rows: number) => node.sql(`insert into written select generate_series(1, ${rows})`)
export const lsnOf = async (node: PgNode, position: string): Promise<bigint> =>
  BigInt((await node.sql(`select (${position} - '0/0')::text as at`))[0]?.at ?? 0)
export const received = (standby: PgNode) => lsnOf(standby, 'pg_last_wal_receive_lsn()')
export const flushed = (primary: PgNode) => lsnOf(primary, 'pg_current_wal_flush_lsn()')

/** The standby has received and replayed all that the primary has written so far. */
export async function has(standby: PgNode, primary: PgNode): Promise<void> {
  const end = await flushed(primary)
  await until(async () => (await received(standby)) >= end)
  await until(async () => (await lsnOf(standby, 'pg_last_wal_replay_lsn()')) >= end)
}

/** The server ends without a word, and the monitor knows that there is no primary. */
export async function dies(host: PgNode, seen: Witness): Promise<void> {
  await host.kill()
  await seen.concludes({rule: 'V5'})
  seen.routed()
}

/**
 * Stops a server that says so in good time: its last checkpoint waits until the word was heard. On a
 * busy machine the server may be gone before we ask again, and then a human has to say so.
 */
export async function stopHeard(host: PgNode, mode: StopMode, isHeard: () => boolean): Promise<void> {
  // An immediate stop writes no checkpoint, and warns every session.
  if (mode === 'immediate') return host.stop(mode)
  const [{pid}] = await host.sql("select pid from pg_stat_activity where backend_type = 'checkpointer'")
  process.kill(pid, 'SIGSTOP')
  const stopped = host.stop(mode)
  await until(isHeard).finally(() => process.kill(pid, 'SIGCONT'))
  await stopped
}
