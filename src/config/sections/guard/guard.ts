import {resolve} from 'node:path'
import {formatDuration} from '../../../core/duration.ts'
import type {Config} from '../../config.ts'
import {orAbsent} from '../../reading/or-absent.ts'
import {choice, duration, flag, text} from '../../reading/scalar.ts'
import {type Keys, list, section} from '../../reading/section.ts'
import {describe, type Read} from '../../reading/shape.ts'
import type {Context} from '../context.ts'
import {type Document, given} from '../document.ts'
import {peerDocument, peerFields} from '../groups/peer-fields.ts'
import {peersFrom} from '../groups/peer-rules.ts'
import {grpcDocument, grpcSettings, grpcShape} from '../grpc.ts'
import {socketPath} from '../listen.ts'
import {type ProbeFields, timersOf} from '../probe.ts'
import type {Section} from '../section.ts'
import {gateRules} from './gate-rules.ts'
import {checkTiming} from './timing.ts'

const users = section({
  read_write: describe('users that write; they come in on the agreed primary alone', list(text(''))),
  read_only: describe('users that read; they come in on a standby too', list(text(''))),
})

const guard = section({
  hba_file: describe('pg_hba.conf of this host; default: what PostgreSQL names (SHOW hba_file)', text(null)),
  databases: describe('databases that are gated; default: all', list(text(''))),
  users: describe('who is gated', users),
  addresses: describe('addresses with their masks that the gated users come from, or all, or local', list(text(''))),
  allow: describe('method of an open gate, as in pg_hba.conf', text('scram-sha-256')),
  deny: describe('method of a shut gate', text('reject')),
  interval: describe('between two passes', duration(1_000, 100)),
  lease: describe('an allow ends so long after the question behind it; less than failover_after', duration(5_000, 100)),
  terminate: describe('end the sessions of gated users when their gate shuts', flag(true)),
  allow_read_only: describe('read-only users come in on an agreed standby', flag(true)),
  quorum: describe(
    "who must agree: majority, or any (harepd's rule: both halves of a partition may open)",
    choice('majority', ['majority', 'any']),
  ),
  neighbours: describe('the guards of the other hosts: grpc://HOST:10000, or https:// of a daemon', peerFields.peers),
  witness: describe('one more voter, which counts only where the number of hosts is even', peerFields.witness),
  grpc: orAbsent(describe('the call that neighbours ask', grpcShape)),
  fence: describe(
    'what shuts the gate of a guard that is dead or frozen: nft (a timeout in the kernel), or stop (PostgreSQL)',
    choice('none', ['none', 'nft', 'stop']),
  ),
  on_write_failure: describe(
    'what to do where deny cannot be written: alarm, or stop PostgreSQL',
    choice('alarm', ['alarm', 'stop']),
  ),
  socket: describe(
    'unix socket of the guard: its state, its metrics, and whether it lives',
    text('/run/pgroute66/guard.sock'),
  ),
})

const keys = {guard: orAbsent(describe("opens and shuts this host's pg_hba.conf (docs/guard.md)", guard))}
export type GuardFields = Read<typeof guard>

type Delay = Readonly<{failover_after: number | null}>

type Fields = Keys<typeof keys> &
  ProbeFields &
  Delay &
  Readonly<{
    groups: ReadonlyMap<string, Delay> | null
  }>

/** The guard of this host's pg_hba.conf. What it asks of hosts and groups: guard-site.ts. */
export const guardSection = {
  keys,
  async settings(
    {guard: read, failover_after, ...fields}: Fields,
    {directory, report}: Context,
  ): Promise<{guard: Config['guard']}> {
    if (read === null) return {guard: null}
    const {peers, witness} = peersFrom({peers: read.neighbours ?? [], witness: read.witness, directory, report})
    const timing = {intervalMs: read.interval, leaseMs: read.lease, deadlineMs: timersOf(fields).timeout}
    checkTiming({...timing, quorum: read.quorum}, leastDelay(failover_after, fields.groups), report)
    const settings = {
      hbaFile: read.hba_file && resolve(directory, read.hba_file),
      rules: gateRules(read, report),
      ...timing,
      terminate: read.terminate,
      allowReadOnly: read.allow_read_only,
      quorum: read.quorum,
      neighbours: peers,
      witness,
      grpc: read.grpc && (await grpcSettings(read.grpc, 'guard.grpc', {directory, report})),
      fence: read.fence,
      onWriteFailure: read.on_write_failure,
      socket: socketPath(resolve(directory, read.socket), 'guard.socket', report),
    }
    return {guard: settings}
  },
  document: ({guard: settings}) => ({guard: settings && guardDocument(settings)}),
} satisfies Section

/** The file does not say which group is this host's: no guard is too slow for any of them. */
function leastDelay(general: number | null, groups: Fields['groups']): number | null {
  const given = [general, ...[...(groups?.values() ?? [])].map((group) => group.failover_after)]
  const delays = given.filter((delay) => delay !== null)
  return delays.length === 0 ? null : Math.min(...delays)
}

function guardDocument(settings: NonNullable<Config['guard']>): Document {
  const {rules, grpc, neighbours, witness} = settings
  return given({
    hba_file: settings.hbaFile,
    databases: rules.databases,
    users: {read_write: rules.readWrite, read_only: rules.readOnly},
    addresses: rules.addresses,
    allow: rules.allow,
    deny: rules.deny,
    interval: formatDuration(settings.intervalMs),
    lease: formatDuration(settings.leaseMs),
    terminate: settings.terminate,
    allow_read_only: settings.allowReadOnly,
    quorum: settings.quorum,
    neighbours: neighbours.map(peerDocument),
    witness: witness && peerDocument(witness),
    grpc: grpc && grpcDocument(grpc),
    fence: settings.fence,
    on_write_failure: settings.onWriteFailure,
    socket: settings.socket,
  })
}
