import {isIPv4} from 'node:net'
import type {SnapshotSource} from '../../core/ports.ts'
import type {HostState, Snapshot} from '../../core/snapshot.ts'
import {type ClusterReply, encodeReply} from '../../protocol/cluster-info.ts'
import {GrpcError, grpcStatus} from '../../protocol/grpc.ts'
import type {Moment} from '../../protocol/snapshot-json.ts'
import {viewToWire, type WireGate, type WireGuardView} from '../../protocol/view-json.ts'

/** As whom this process answers. harepd compares neither of these. */
export type Answerer = Readonly<{
  /** `null`: the address that the asker connected to. */
  ip: string | null
  nodeName: string
  /** The address of the witness; empty: there is none. */
  witness: string
}>

/** What an answer is made of. */
export type ClusterInfoDeps = Readonly<{
  source: Pick<SnapshotSource, 'current'>
  /** In a set: of the groups that this instance owns, alone. */
  own?: Pick<SnapshotSource, 'current'> | undefined
  machineId: string | null
  answerer: () => Answerer
  /** Of a guard: what it tells other guards about its gate. */
  gate?: () => WireGate
}>

/**
 * `group`: `null`: the only one. `isView`: the asker is a pgroute66, and gets the JSON of `GET
 * /v1/view`, too.
 */
export type ClusterAsked = Readonly<{group: string | null; isView: boolean; localAddress: string; at: Moment}>

/** harepd says so where it knows no number. */
const unknownNode = -1

/**
 * The message `IKnow`, from what this process sees by its own SQL: masters are the hosts that are
 * primary, slaves those that are standby. So it answers where harepd fails: without an active
 * witness, and with host names in conninfo. Throws GrpcError where there is no answer.
 */
export function clusterInfo(deps: ClusterInfoDeps, asked: ClusterAsked): Uint8Array {
  const {source, own, machineId, answerer, gate} = deps
  const whole = source.current()
  const group = groupOf(whole, asked.group)
  const snapshot = own?.current() ?? whole
  // The answer counts as a vote, and an instance that never asked these hosts has none.
  if (!Object.hasOwn(snapshot.groups, group))
    throw new GrpcError(grpcStatus.unavailable, 'another instance of this set asks the hosts of that group')
  // An empty list would be taken for a cluster without a master.
  if (!snapshot.ready) throw new GrpcError(grpcStatus.unavailable, 'pgroute66 has not asked every host yet')
  const seen = asked.isView ? viewToWire(snapshot, group, {machineId, at: asked.at}) : null
  const view: WireGuardView | null = seen && gate ? {...seen, gate: gate()} : seen
  return encodeReply(replyOf(snapshot, group, answerer(), asked.localAddress), view ? JSON.stringify(view) : '')
}

function groupOf(snapshot: Snapshot, asked: string | null): string {
  const names = Object.keys(snapshot.groups)
  const [only] = names
  if (asked === null && names.length === 1 && only !== undefined) return only
  if (asked !== null && names.includes(asked)) return asked
  throw asked === null
    ? new GrpcError(grpcStatus.failedPrecondition, 'this pgroute66 watches several groups, and the call names none')
    : new GrpcError(grpcStatus.notFound, 'this pgroute66 does not watch that group')
}

function replyOf(snapshot: Snapshot, group: string, {ip, nodeName, witness}: Answerer, local: string): ClusterReply {
  const hosts = (snapshot.groups[group]?.hosts ?? []).flatMap((name) => snapshot.hosts[name] ?? [])
  const addresses = (role: HostState['role']) => hosts.filter((host) => host.role === role).map(addressOf)
  return {
    ip: ip ?? bareAddress(local),
    nodeId: unknownNode,
    nodeName,
    witness,
    slaves: addresses('standby'),
    master: addresses('primary'),
  }
}

/**
 * harepd takes the first IPv4 of conninfo. A host without one has its address or name: it differs,
 * and denies.
 */
const addressOf = ({address, addresses}: HostState): string =>
  [address, ...addresses].find((one) => isIPv4(one)) ?? address

/** IPv4 arrives as `::ffff:10.0.0.1` where IPv6 listens for both. */
const bareAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/, '')
