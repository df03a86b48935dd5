import type {Config} from '../../config/config.ts'
import {Admission} from '../../core/admission.ts'
import {NodeTables} from '../../core/ha-tools/repmgr.ts'
import type {Clock, Log, MemoryStore, Meter, Random} from '../../core/ports.ts'
import {nothingRemembered} from '../../core/verdict/group-memory.ts'
import {atMost} from '../../core/wait.ts'
import {newEpoch} from '../../monitor/epoch.ts'
import {type Monitor, startMonitor} from '../../monitor/monitor.ts'
import {driverFor} from '../../sources/pg/host-drivers.ts'
import {connectionsByHost} from '../../sources/pg/side-session.ts'
import {memoryStore, readOnlyStore} from '../state/memory-store.ts'
import {externalEvidence} from './evidence.ts'

export type ComposeDeps = Readonly<{clock: Clock; random: Random; log: Log; meter: Meter; version: string}> &
  Readonly<{
    /** Reads the memory and saves nothing: another process (`serve`) writes it. */
    isOnlooker?: boolean
  }>

export interface Watching extends AsyncDisposable {
  readonly monitor: Monitor
  /**
   * Resolves once every host and every peer has answered or failed. A peer that is silent is waited for
   * only as long as for one question.
   */
  readonly ready: Promise<void>
  /** What source `repmgr` read. */
  readonly tables: NodeTables
  /** The monitor takes the new settings. Hosts that did not change keep their connection. */
  reload(config: Config): Promise<void>
}

/** The part that watches: the memory, a driver per host, and the monitor over them. */
export async function compose(config: Config, deps: ComposeDeps): Promise<Watching> {
  let current = config
  const storeAt = deps.isOnlooker ? readOnlyStore : memoryStore
  let store = storeAt(config.stateDir)
  let remembered = nothingRemembered
  // Looked up at each call, because a reload may move the state.
  const kept: MemoryStore = {
    async load() {
      remembered = await store.load()
      return remembered
    },
    async save(memory) {
      remembered = memory
      await store.save(memory)
    },
  }
  const admission = new Admission(deps.clock)
  const connectionsOf = connectionsByHost()
  const tables = new NodeTables()
  const shared = {admission, connectionsOf}
  const epoch = newEpoch(deps.random)
  const evidence = externalEvidence({...deps, ...shared, epoch, tables})
  const monitor = await startMonitor({
    admission,
    settings: config,
    driver: (host) => driverFor(current, deps.clock, deps.log, shared)(host),
    store: kept,
    evidence: evidence.sourcesFor,
    epoch,
    ...deps,
  })
  return {
    monitor,
    ready: Promise.all([monitor.ready, atMost(deps.clock, config.probe.timeoutMs, evidence.heard())]).then(() => {}),
    tables,
    async reload(next) {
      if (next.stateDir !== current.stateDir) {
        const moved = storeAt(next.stateDir)
        // Where the new folder cannot be written, this throws and the old one stays.
        await moved.save(remembered)
        store = moved
      }
      current = next
      await monitor.reload(next)
    },
    [Symbol.asyncDispose]: () => monitor[Symbol.asyncDispose](),
  }
}
