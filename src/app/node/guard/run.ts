import {watch} from 'node:fs'
import {basename, dirname} from 'node:path'
import {type Fence, nftFence, noFence} from '../../../actuators/guard/fence.ts'
import {findPostmaster, signalPostmaster} from '../../../actuators/guard/postmaster.ts'
import {callsOf} from '../../../api/grpc/calls.ts'
import {type Endpoint, grpcEndpoint} from '../../../api/listen/endpoint.ts'
import {Listeners} from '../../../api/listen/listeners.ts'
import type {Config} from '../../../config/config.ts'
import {type GuardSite, guardSiteOf} from '../../../config/guard-site.ts'
import {loadConfig} from '../../../config/load.ts'
import {OperatorError} from '../../../core/errors.ts'
import type {Clock, Log} from '../../../core/ports.ts'
import {nap} from '../../../core/wait.ts'
import {connectionsByHost} from '../../../sources/pg/side-session.ts'
import {systemClock} from '../../../system/clock.ts'
import {stopSignal} from '../../../system/stop-signal.ts'
import {notifySystemd} from '../../../system/systemd.ts'
import {print} from '../../cli/print.ts'
import {type AppLog, openLog} from '../../serve/log.ts'
import {Release} from '../../serve/release.ts'
import {tellWarnings} from '../../serve/reload.ts'
import {type GuardWatch, watchGroup} from './compose.ts'
import {Guard} from './guard.ts'
import {answerAsHarepd, loadHarepd, loadHarepdToDeny, refuseOriginals} from './harepd.ts'
import {decideOnce, denyNow, dryText, exitOf, type GuardExit} from './once.ts'
import {ownServer} from './own-server.ts'
import {reportHandler} from './report.ts'

export type GuardFlags = Readonly<{
  config: string | undefined
  /** harepd's configuration file, instead of `config`. */
  harepd?: string | undefined
  /** By harepd's file alone: its own file has a key for it. */
  quorum?: 'majority' | 'any' | undefined
  /** `loop`: until it is told to stop. `serve`: answers neighbours, and touches no gate. */
  mode: 'loop' | 'once' | 'deny' | 'dry-run' | 'serve'
}>

/** The whole command; the exit code. Throws OperatorError where it cannot begin. */
export async function runGuard(flags: GuardFlags, version: string): Promise<GuardExit> {
  const {config: path, harepd, quorum = 'majority', mode} = flags
  const around = {env: process.env, cwd: process.cwd()}
  if (harepd !== undefined && mode === 'serve') return await answerAsHarepd(harepd, {...around, version})
  if (harepd !== undefined && mode === 'deny') return await denyBy(await loadHarepdToDeny(harepd, around))
  const byHarepd = harepd === undefined ? null : await loadOrDeny(harepd, {quorum, ...around}, mode)
  const config = byHarepd ?? (await loadConfig({path, ...around}))
  if (mode === 'deny') return await denyBy(config)
  const site = guardSiteOf(config)
  const log = openLog(config.log)
  // After a rotation. By itself, SIGHUP ends a process, which would leave its gates open.
  process.on('SIGHUP', () => log.reopen(config.log))
  try {
    tellWarnings(config, log)
    for (const sentence of byHarepd?.meaning ?? []) log.info({file: harepd}, sentence)
    if (byHarepd !== null && quorum === 'majority') await refuseOriginals(site, systemClock)
    const stopped = stopSignal(log)
    await using release = new Release()
    const watching = release.own(await watchGroup(site, {clock: systemClock, log, version}))
    if (mode === 'once' || mode === 'dry-run') {
      await Promise.race([watching.ready, stopped])
      return await once({site, watching, log, stopped, isDry: mode === 'dry-run'})
    }
    await loop({site, watching, log, stopped, release, isServer: mode === 'serve'})
    return 0
  } finally {
    await log.close()
  }
}

/** Without the server of this host nothing can be agreed: its next start must not find an open gate. */
async function loadOrDeny(path: string, around: Parameters<typeof loadHarepd>[1], mode: GuardFlags['mode']) {
  try {
    return await loadHarepd(path, around)
  } catch (error) {
    const isAway = error instanceof OperatorError && error.code === 'REPMGR_NODES'
    if (isAway && mode !== 'dry-run') await denyBy(await loadHarepdToDeny(path, around))
    throw error
  }
}

async function denyBy(config: Config): Promise<GuardExit> {
  const log = openLog(config.log)
  try {
    return await deny(guardSiteOf(config), log)
  } finally {
    await log.close()
  }
}

async function deny(site: GuardSite, log: Log): Promise<GuardExit> {
  const clock = systemClock
  const server = ownServer(site, {clock, log, connectionsOf: connectionsByHost()})
  const outcome = await denyNow({site, server, fence: fenceOf(site), clock})
  const hasFailed = outcome.hasFailed || outcome.gates === null
  for (const problem of outcome.problems) log.error({host: site.host.name}, `guard: ${problem}`)
  if (!hasFailed) log.info({host: site.host.name}, 'guard: writers deny, readers deny: an operator denies')
  return hasFailed ? 3 : 0
}

type Once = Pick<Running, 'site' | 'watching' | 'log' | 'stopped'> & Readonly<{isDry: boolean}>

async function once({site, watching, log, stopped, isDry}: Once): Promise<GuardExit> {
  const {monitor, words, connectionsOf, machineId} = watching
  const clock = systemClock
  const stop = new AbortController()
  void stopped.then(() => stop.abort())
  // Where it was told to end before, that is known now.
  await Promise.resolve()
  const decision = await decideOnce(site, {monitor, words, clock}, stop.signal)
  if (isDry) {
    print(1, dryText(site, decision).join('\n'))
    return decision.gates.readWrite === 'allow' || decision.gates.readOnly === 'allow' ? 0 : 1
  }
  const server = ownServer(site, {clock, log, connectionsOf})
  const parts = {site, source: monitor, words, server, fence: fenceOf(site), clock, log, machineId}
  const guard = new Guard({...parts, isSettled: () => true, stopServer: stopsServer(site)})
  return exitOf(decision, await guard.carryOut(decision))
}

type Running = Readonly<{
  site: GuardSite
  watching: GuardWatch
  log: AppLog
  stopped: Promise<void>
  release: Release
  isServer: boolean
}>

async function loop({site, watching, log, stopped, release, isServer}: Running): Promise<void> {
  const clock = systemClock
  const {monitor, words, connectionsOf, machineId} = watching
  const fence = fenceOf(site)
  if (!isServer) await raise(fence)
  const server = ownServer(site, {clock, log, connectionsOf})
  let isSettled = false
  void watching.ready.then(() => {
    isSettled = true
  })
  const parts = {site, source: monitor, words, server, fence, clock, log, machineId}
  const guard = new Guard({...parts, isSettled: () => isSettled, stopServer: stopsServer(site)})
  const gate = () => (isServer ? 'open' : guard.gateTold)
  const listeners = new Listeners({
    handler: () => reportHandler({site, state: guard.state, file: () => guard.path, clock}),
    calls: callsOf({source: monitor, machineId, answerer: () => answererOf(site), gate, clock, log}),
    inherited: new Map(),
    dropped: () => {},
    clock,
    log,
  })
  release.own({[Symbol.asyncDispose]: () => listeners.close()})
  await listeners.applyEndpoints([
    socketEndpoint(site.guard.socket),
    ...(site.grpc === null ? [] : [grpcEndpoint(site.grpc)]),
  ])
  const state = () => guard.state.decision
  release.own(
    notifySystemd({
      clock,
      log,
      env: process.env,
      status: () => `${state()?.rule ?? 'starting'}: ${state()?.why ?? ''}`,
      isAlive: () => isServer || guard.state.isAlive(),
      stuck: 'the passes of the guard no longer end, so it does not feed the watchdog of systemd',
    }),
  )
  log.info({host: site.host.name, quorum: site.guard.quorum, listens: listeners.addresses}, 'the guard runs')
  if (isServer) return await stopped
  await passes(guard, {site, clock, stopped})
}

/** Passes until `stopped`; a change of the file begins one at once. */
async function passes(
  guard: Guard,
  {site, clock, stopped}: Readonly<{site: GuardSite; clock: Clock; stopped: Promise<void>}>,
): Promise<void> {
  const stop = new AbortController()
  void stopped.then(() => stop.abort())
  let wake = () => {}
  let watcher: Disposable | null = null
  while (!stop.signal.aborted) {
    await guard.pass()
    watcher ??= guard.path === null ? null : watchFile(guard.path, () => wake())
    const rest = nap(clock, site.guard.intervalMs, stop.signal)
    wake = rest.wake
    await rest.done
  }
  watcher?.[Symbol.dispose]()
  await guard.end()
}

/** inotify of the folder: a file that is renamed into place is another one. The pass looks anyway. */
function watchFile(path: string, changed: () => void): Disposable {
  try {
    const name = basename(path)
    const watcher = watch(dirname(path), (_, found) => (found === name ? changed() : undefined))
    watcher.on('error', () => {})
    return {[Symbol.dispose]: () => watcher.close()}
  } catch {
    return {[Symbol.dispose]() {}}
  }
}

async function raise(fence: Fence): Promise<void> {
  const trouble = await fence.raise()
  if (trouble !== null)
    throw new OperatorError('GUARD_FENCE', `guard.fence cannot be set up: ${trouble}`, 'Or set fence: none.')
}

const fenceOf = ({guard, host}: GuardSite): Fence =>
  guard.fence === 'nft' ? nftFence(host.connection.port, guard.rules.addresses) : noFence

const stopsServer =
  ({host}: GuardSite) =>
  async () => {
    const {port} = host.connection
    if ((await findPostmaster(port)) === null) return 'not-running'
    return (await signalPostmaster(port, 'SIGINT')) ? 'stopping' : 'failed'
  }

const socketEndpoint = (path: string): Endpoint => ({
  kind: 'socket',
  key: JSON.stringify(['guard', path]),
  at: {path, group: null, isPrivate: false},
  tls: 'none',
  ssl: null,
})

const answererOf = ({host, guard: {witness}}: GuardSite) => ({
  ip: null,
  nodeName: host.name,
  witness: witness === null ? '' : new URL(witness.url).hostname,
})
