import {causeOf, type HostState, type Snapshot, timelineOf} from '../core/snapshot.ts'
import type {Cause, Role} from '../core/vocabulary.ts'
import {ageOf, type Moment} from './snapshot-json.ts'

/** One host as the daemon sees it by its own SQL. Ages are counted at the moment of the answer. */
export type WireViewHost = Readonly<{
  address: string
  port: number
  system_identifier: string | null
  role: Role
  cause: Cause | null
  timeline: number | null
  lsn: string | null
  /** Of the question behind `role`; `null`: not asked yet. */
  asked_ms_ago: number | null
  /** `null`: the host is unavailable. */
  answered_ms_ago: number | null
  /** Of a standby: a host of the group by name, else an address. */
  streams_from: string | null
}>

/** `GET /v1/view`: what this process sees of one group, and no word of another system. */
export type WireView = Readonly<{
  schema: 1
  epoch: string
  machine_id: string | null
  group: string
  hosts: Readonly<Record<string, WireViewHost>>
}>

/**
 * A guard says one thing more to other guards. `shut`: no writer comes in, and none is about to. `open`: one may.
 * Absent: no guard answers.
 */
export type WireGuardView = WireView & Readonly<{gate?: WireGate}>
export type WireGate = 'open' | 'shut'

/** `null`: there is no such group. */
export function viewToWire(
  snapshot: Snapshot,
  group: string,
  {machineId, at}: Readonly<{machineId: string | null; at: Moment}>,
): WireView | null {
  const known = Object.hasOwn(snapshot.groups, group) ? snapshot.groups[group] : undefined
  if (known === undefined) return null
  const hosts = known.hosts.flatMap((name): [string, WireViewHost][] => {
    const host = snapshot.hosts[name]
    return host ? [[name, hostToView(host, at)]] : []
  })
  return {schema: 1, epoch: snapshot.epoch, machine_id: machineId, group, hosts: Object.fromEntries(hosts)}
}

function hostToView(host: HostState, {now}: Moment): WireViewHost {
  const answeredAt = host.role === 'unavailable' || host.askedAt === null ? null : host.askedAt + (host.probeMs ?? 0)
  return {
    address: host.address,
    port: host.port,
    system_identifier: host.systemIdentifier,
    role: host.role,
    cause: causeOf(host),
    timeline: timelineOf(host),
    lsn: host.role === 'unavailable' ? null : host.lsn,
    asked_ms_ago: ageOf(host.askedAt, now),
    answered_ms_ago: ageOf(answeredAt, now),
    streams_from: host.role === 'standby' ? host.upstream : null,
  }
}
