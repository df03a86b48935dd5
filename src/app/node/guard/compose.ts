import type {GuardSite} from '../../../config/guard-site.ts'
import {Admission} from '../../../core/admission.ts'
import {sourcesOf} from '../../../core/evidence/wanted-source.ts'
import {noMeter} from '../../../core/no-meter.ts'
import type {Clock, Log} from '../../../core/ports.ts'
import {noMemory} from '../../../core/verdict/no-memory.ts'
import {newEpoch} from '../../../monitor/epoch.ts'
import {type Monitor, startMonitor} from '../../../monitor/monitor.ts'
import {peersOf} from '../../../sources/peer/peers.ts'
import type {Word} from '../../../sources/peer/vote.ts'
import {driverFor} from '../../../sources/pg/host-drivers.ts'
import {type ConnectionsOf, connectionsByHost} from '../../../sources/pg/side-session.ts'
import {machineId} from '../../../system/machine-id.ts'

export type GuardDeps = Readonly<{clock: Clock; log: Log; version: string}>

/** The monitor of the guard: the hosts of one group by SQL, and the neighbours as peers. */
export interface GuardWatch extends AsyncDisposable {
  readonly monitor: Monitor
  /** Resolves once every host and every neighbour has answered or failed. */
  readonly ready: Promise<void>
  /** What neighbours and the witness said last, by URL. */
  readonly words: () => ReadonlyMap<string, Word>
  readonly connectionsOf: ConnectionsOf
  readonly machineId: string | null
}

export async function watchGroup(
  {monitor: settings, group}: GuardSite,
  {clock, log, version}: GuardDeps,
): Promise<GuardWatch> {
  const epoch = newEpoch(Math.random)
  const us = {epoch, machineId: machineId()}
  const connectionsOf = connectionsByHost()
  const admission = new Admission(clock)
  const peers = peersOf({us, clock})
  const monitor = await startMonitor({
    settings,
    driver: driverFor(settings, clock, log, {admission, connectionsOf}),
    admission,
    clock,
    random: Math.random,
    // What a guard remembers of a split brain must not outlive the split brain: the majority decides.
    store: noMemory,
    evidence: sourcesOf([peers.kind]),
    log,
    meter: noMeter,
    version,
    epoch,
  })
  return {
    monitor,
    ready: Promise.all([monitor.ready, peers.heard()]).then(() => {}),
    words: () => peers.words(group),
    connectionsOf,
    machineId: us.machineId,
    [Symbol.asyncDispose]: () => monitor[Symbol.asyncDispose](),
  }
}
