import {join} from 'node:path'
import {callsOf} from '../../../api/grpc/calls.ts'
import {grpcEndpoint} from '../../../api/listen/endpoint.ts'
import {Listeners} from '../../../api/listen/listeners.ts'
import type {Config} from '../../../config/config.ts'
import type {GuardSite} from '../../../config/guard-site.ts'
import {configOfHarepd, type HarepdUse, ownDatabase} from '../../../config/harepd/harepd-config.ts'
import {meaningOf} from '../../../config/harepd/meaning.ts'
import {readHarepd} from '../../../config/harepd/read-harepd.ts'
import {OperatorError} from '../../../core/errors.ts'
import {noMeter} from '../../../core/no-meter.ts'
import {enumerate} from '../../../core/phrases.ts'
import type {Clock} from '../../../core/ports.ts'
import type {ProbeSettings} from '../../../core/settings.ts'
import {deadline} from '../../../core/wait.ts'
import {clientOf} from '../../../sources/peer/peers.ts'
import {sessionsElsewhere} from '../../../sources/pg/side-session.ts'
import {registeredNodes} from '../../../sources/repmgr/registered.ts'
import {systemClock} from '../../../system/clock.ts'
import {machineId} from '../../../system/machine-id.ts'
import {stopSignal} from '../../../system/stop-signal.ts'
import {compose} from '../../serve/compose.ts'
import {openLog} from '../../serve/log.ts'
import {Release} from '../../serve/release.ts'
import {tellWarnings} from '../../serve/reload.ts'

type Around = Readonly<{env: NodeJS.ProcessEnv; cwd: string}>

/** A configuration that harepd's file stands for. `meaning`: what that file really says. */
export type HarepdConfig = Config & Readonly<{meaning: readonly string[]; nodeName: string; witness: string}>

/** For the one question about repmgr's nodes. */
const once: ProbeSettings = {
  intervalMs: 1_000,
  fastIntervalMs: 100,
  timeoutMs: 5_000,
  connectTimeoutMs: 5_000,
  maxAgeMs: 10_000,
  knockIntervalMs: 5_000,
  loggedKnockIntervalMs: 10_000,
  pingIntervalMs: 0,
  fastPingIntervalMs: 0,
  pingTimeoutMs: 500,
}

/**
 * Rejects with OperatorError where the file is wrong, or where the server of this machine has no
 * nodes of repmgr.
 */
export async function loadHarepd(
  path: string,
  {quorum, isServer = false, env, cwd}: Around & Readonly<{quorum: HarepdUse['quorum']; isServer?: boolean}>,
): Promise<HarepdConfig> {
  const read = await readHarepd(path, cwd)
  const own = await ownDatabase(read, env)
  const open = sessionsElsewhere(own, once, {clock: systemClock, admission: null})
  const where = `${own.host}:${own.port}`
  const nodes = await registeredNodes(open, {clock: systemClock, schema: 'repmgr', where})
  const config = await configOfHarepd(read, nodes, {quorum, isServer, socket: socketBeside(own)}, env)
  const {nodeName, witness} = read.file
  return {
    ...config,
    warnings: [...read.warnings, ...config.warnings],
    meaning: [...meaningOf(read.file), ...(config.guard ? [`Its state is at ${config.guard.socket}.`] : [])],
    nodeName,
    witness: witness?.replace(/:\d+$/, '') ?? '',
  }
}

/**
 * For `--deny`, which runs before PostgreSQL does: the rules of the file, and this host alone.
 * Rejects with OperatorError.
 */
export async function loadHarepdToDeny(path: string, {env, cwd}: Around): Promise<Config> {
  const {file, ...read} = await readHarepd(path, cwd)
  const {host, port, user, dbname} = await ownDatabase({file, ...read}, env)
  const quoted = (text: string) => `'${text.replaceAll(/[\\']/g, '\\$&')}'`
  const conninfo = `host=${quoted(host)} port=${port} user=${quoted(user)} dbname=${quoted(dbname)} sslmode=disable`
  const own = {name: file.nodeName, type: 'primary', conninfo}
  return await configOfHarepd(
    {...read, file: {...file, primaryIp: null}},
    [own],
    {quorum: 'any', isServer: false, socket: socketBeside({host, port})},
    env,
  )
}

/** In the folder of PostgreSQL's own socket, which belongs to the user that harepd runs as. */
const socketBeside = ({host, port}: Readonly<{host: string; port: number}>): string =>
  host.startsWith('/') ? join(host, `.s.pgroute66.guard.${port}`) : '/run/pgroute66/guard.sock'

const askMs = 10_000

/**
 * harepd repeats a table of unknown age, so it may deny and never confirms: a majority of such
 * neighbours would never open a gate. Neighbours that do not answer are waited for by the passes.
 * Rejects with OperatorError.
 */
export async function refuseOriginals({guard, group}: GuardSite, clock: Clock): Promise<void> {
  const asked = await Promise.all(
    guard.neighbours.map(async (peer) => {
      const client = clientOf(peer)
      using limit = deadline(clock, askMs)
      try {
        const heard = await client.ask(group, limit.signal, askMs)
        return 'word' in heard && heard.word.kind === 'metadata' ? [new URL(peer.url).host] : []
      } finally {
        await client.close()
      }
    }),
  )
  const originals = asked.flat()
  if (originals.length === 0) return
  throw new OperatorError(
    'GUARD_HAREPD',
    `${enumerate(originals)} ${originals.length === 1 ? 'answers' : 'answer'} as harepd, which never confirms: a ` +
      'majority of data nodes would not be found',
    'Run "pgroute66 guard -f" there first. Or start with --quorum any, the rule of harepd: in some partitions both ' +
      'halves open.',
  )
}

/**
 * `--server-only`: neighbours are answered, and no gate is touched, as on the witness. Runs until
 * it is told to stop.
 */
export async function answerAsHarepd(
  path: string,
  {version, ...around}: Around & Readonly<{version: string}>,
): Promise<0> {
  const config = await loadHarepd(path, {quorum: 'majority', isServer: true, ...around})
  const log = openLog(config.log)
  const clock = systemClock
  process.on('SIGHUP', () => log.reopen(config.log))
  try {
    tellWarnings(config, log)
    const stopped = stopSignal(log)
    await using release = new Release()
    const watching = release.own(
      await compose(config, {clock, random: Math.random, log, meter: noMeter, version, isOnlooker: true}),
    )
    const {nodeName, witness} = config
    const answerer = () => ({ip: null, nodeName, witness})
    const calls = callsOf({source: watching.monitor, machineId: machineId(), answerer, clock, log})
    const handler = () => () => {}
    const listeners = new Listeners({handler, calls, inherited: new Map(), dropped: () => {}, clock, log})
    release.own({[Symbol.asyncDispose]: () => listeners.close()})
    await listeners.applyEndpoints(config.grpc === null ? [] : [grpcEndpoint(config.grpc)])
    log.info({listens: listeners.addresses}, `answers as the node ${nodeName}, and touches no gate`)
    await stopped
    return 0
  } finally {
    await log.close()
  }
}
