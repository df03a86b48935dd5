import {inheritedListeners} from '../../api/listen/socket-activation.ts'
import {createMetrics, type Metrics} from '../../api/metrics.ts'
import {startApi} from '../../api/server.ts'
import type {Config} from '../../config/config.ts'
import {fingerprint} from '../../config/printing/fingerprint.ts'
import {OperatorError} from '../../core/errors.ts'
import {UnknownAddresses} from '../../core/offers/unknown-addresses.ts'
import type {Clock, Random} from '../../core/ports.ts'
import {HoldLease} from '../../monitor/hold/lease.ts'
import {systemClock} from '../../system/clock.ts'
import {keepHeapSmall} from '../../system/heap.ts'
import {machineId} from '../../system/machine-id.ts'
import {stopSignal} from '../../system/stop-signal.ts'
import {tellSystemd} from '../../system/systemd.ts'
import {ChangeJournal} from '../state/change-journal.ts'
import {StateLock} from '../state/state-lock.ts'
import {type Actuation, actuationOf} from './actuators.ts'
import {CertificateWatch} from './certificate-watch.ts'
import {logChanges} from './change-log.ts'
import {compose, type Watching} from './compose.ts'
import {LearnedMembers} from './learned-members.ts'
import {type Loadings, loadings} from './loadings.ts'
import {type AppLog, openLog} from './log.ts'
import {Release} from './release.ts'
import {type Reloads, reloads, tellWarnings} from './reload.ts'
import type {SharedWatching} from './shared.ts'

export type ServeRequest = Readonly<{
  config: string | undefined
  dsns: readonly string[]
  dryRun: boolean
  /** The log has level debug, whatever the configuration says. */
  isDebug?: boolean
}>
export type ServeEnv = Readonly<{env: NodeJS.ProcessEnv; cwd: string; version: string}>

/** Runs until it is told to stop; the exit code. Throws OperatorError where it cannot begin. */
export async function serve({config: path, dsns, dryRun, isDebug}: ServeRequest, around: ServeEnv): Promise<number> {
  const asked = {path, dsns, ...around}
  // Stamped first: the hash is that of the file.
  const inForceNow = (read: Config): Config => {
    const config = stamped(read)
    return isDebug ? {...config, log: {...config.log, level: 'debug'}} : config
  }
  const loading = loadings(asked, inForceNow)
  const config = await loading.load(null)
  const log = openLog(config.log)
  // A bug ends the process before the log could be closed.
  process.on('uncaughtExceptionMonitor', log.died)
  try {
    // Before anything is started, so that a signal that comes meanwhile is not lost.
    await run(config, {...loading, log, dryRun, stopped: stopSignal(log), ...around})
    log.info({}, 'stopped')
    return 0
  } catch (error) {
    // The entry prints it on standard error; the reader of a log file would miss it.
    if (config.log.file !== null) log.error(fieldsOf(error), `the daemon ends: ${messageOf(error)}`)
    throw error
  } finally {
    process.off('uncaughtExceptionMonitor', log.died)
    await log.close()
  }
}

/** With what the snapshot says about it. */
const stamped = (config: Config): Config => ({
  ...config,
  inForce: {hash: fingerprint(config), loadedAt: systemClock.wall()},
})

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
const fieldsOf = (error: unknown) => (error instanceof OperatorError ? {code: error.code, next: error.next} : {})

type Running = ServeEnv & Loadings & Readonly<{log: AppLog; dryRun: boolean; stopped: Promise<void>}>

async function run(config: Config, {log, dryRun, stopped, env, version, ...sources}: Running): Promise<void> {
  await using release = new Release()
  const clock = systemClock
  tellStart(config, log, version)
  const metrics = createMetrics(version, clock.wall)
  metrics.watches(config.groups)
  const claim = release.own(await StateLock.open(config.stateDir, log))
  const journal = release.own(await ChangeJournal.open(config.stateDir, log))
  const watching = release.own(await watchOver(config, {clock, random: Math.random, log, metrics, version}))
  const {monitor, tables} = watching
  const shared = 'shared' in watching ? watching.shared : null
  monitor.subscribe(logChanges(log, shared !== null))
  monitor.subscribe((publication) => journal.record(publication, clock.wall()))

  // The API answers only once every host has been asked: a load balancer that hears "starting"
  // takes all servers out, one that hears nothing keeps what it has for a while, and a socket of
  // systemd's keeps the question (DESIGN 9). Nor does it deny a primary before its peers were heard.
  const isStopped = stopped.then(() => true)
  const isReloadAsked = holdReload()
  if (await Promise.race([isStopped, watching.ready, firstRoundLimit(config)])) return
  const holds = release.own(new HoldLease({...config, monitor, clock, log}))
  const unknownAddresses = new UnknownAddresses({log, count: metrics.namedOnly})
  let shown: Actuation['shown'] = () => []
  let reloading: Reloads | null = null
  const api = release.own(
    await startApi({
      config,
      source: monitor,
      orders: monitor,
      announce: (changes) => monitor.announce(changes),
      holds,
      pastChanges: () => journal.latest(),
      routers: () => shown(),
      reloads: () => reloading,
      unknownAddresses,
      clock,
      log,
      metrics,
      machineId: machineId(),
      tables,
      shared,
      version,
      env,
    }),
  )
  const certificates = release.own(new CertificateWatch(config, {clock, log, tell: metrics.certificates}))
  const own = 'own' in watching ? watching.own : monitor
  const deps = {monitor, own, clock, random: Math.random, log, dryRun, meter: metrics, namedOnly: unknownAddresses.note}
  const {agent, routers, hooks, shown: ofRouters} = actuationOf(deps, release)
  shown = ofRouters
  for (const part of [agent, routers, hooks]) await part.applyConfig(config)
  hooks.notifyOfTroubles()
  const changed = () => reloading?.follow()
  const members = release.own(await LearnedMembers.start(config, {source: monitor, clock, log, changed}))
  reloading = reloads({
    config,
    ...sources,
    // First the parts that may refuse: another process may have the folder or the port.
    apply: [
      ...[claim, api, agent, watching, journal, routers, hooks, certificates, members, holds].map(applying),
      (next) => log.reopen(next.log),
      ({groups}) => metrics.watches(groups),
    ],
    inherited: inheritedListeners(env, process.pid),
    log,
    done: (isSuccessful) => metrics.reloaded(isSuccessful, clock.wall()),
  })
  const ignoreHangup = onHangup(reloading.request, isReloadAsked())
  release.own(tellSystemd({source: monitor, clock, log, env}))
  // Not before: what is loaded after it has no use for the executable's code caches, which are made
  // for V8's own settings.
  keepHeapSmall()
  await stopped.finally(ignoreHangup)
}

/** `isLate`: it was asked for before. The returned function undoes it. */
function onHangup(reload: () => void, isLate: boolean): () => void {
  process.on('SIGHUP', reload)
  if (isLate) reload()
  return () => process.off('SIGHUP', reload)
}

function tellStart(config: Config, log: AppLog, version: string): void {
  log.info({version, config: config.path, hosts: config.hosts.length}, 'starting')
  tellWarnings(config, log)
}

type Part = Readonly<{applyConfig(config: Config): unknown} | {reload(config: Config): unknown}>

const applying =
  (part: Part) =>
  async (next: Config): Promise<void> => {
    await ('reload' in part ? part.reload(next) : part.applyConfig(next))
  }

type WatchDeps = Readonly<{clock: Clock; random: Random; log: AppLog; metrics: Metrics; version: string}>

/** All groups by a monitor of this process, or this instance's part in a set. */
async function watchOver(config: Config, {metrics, ...deps}: WatchDeps): Promise<Watching | SharedWatching> {
  const {meter, took, shares} = metrics
  const {cluster} = config
  if (cluster === null) return compose(config, {...deps, meter})
  const {composeShared} = await import('./shared.ts')
  return composeShared(config, cluster, {...deps, meter, count: took, told: shares})
}

/** Until the daemon can reload: by itself SIGHUP ends a process. */
function holdReload(): () => boolean {
  let isAsked = false
  process.on('SIGHUP', () => {
    isAsked = true
  })
  return () => isAsked
}

/**
 * A host answers or fails within this; should one do neither, that must not keep the others from
 * being served.
 */
function firstRoundLimit({probe}: Config): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, probe.connectTimeoutMs + 2 * probe.timeoutMs).unref())
}
