import type {RequestListener} from 'node:http'
import type {Config} from '../config/config.ts'
import type {PastChange} from '../core/changes.ts'
import {NodeTables} from '../core/ha-tools/repmgr.ts'
import type {UnknownAddresses} from '../core/offers/unknown-addresses.ts'
import type {Clock, Holds, Log, Orders, SnapshotSource} from '../core/ports.ts'
import type {Router} from '../core/router.ts'
import type {Change} from '../core/snapshot.ts'
import {buildApp} from './app.ts'
import {trust} from './authorisation.ts'
import type {Context, Reloading} from './context.ts'
import {EventStream} from './event-stream.ts'
import {callsOf} from './grpc/calls.ts'
import {answererOf} from './grpc/serve-answerer.ts'
import {Handover} from './handover.ts'
import type {SharedFacts} from './instances.ts'
import {Listeners} from './listen/listeners.ts'
import {inheritedListeners, type ListenerKind} from './listen/socket-activation.ts'
import {isVocabulary, localHandler} from './local/handler.ts'
import type {Metrics} from './metrics.ts'
import {OrderRecord} from './orders/order-record.ts'
import {RefusalDelay} from './orders/refusal-delay.ts'
import {allRoutes} from './routes.ts'

/** What `app/serve` gives to the API; most of it goes on to the routes as `Context`. */
export type ApiDeps = Readonly<{
  /** The configuration at the start; `reload` brings the later ones. */
  config: Config
  source: SnapshotSource
  orders: Orders
  holds: Holds
  clock: Clock
  log: Log
  metrics: Metrics
  /** Publishes changes that did not come from a host: orders. */
  announce: (changes: readonly Change[]) => void
  /** The last changes, oldest first. */
  pastChanges: () => readonly PastChange[]
  /** What each router showed when it was last read; default: there are none. */
  routers?: () => readonly Router[]
  /** Plans and carries out a reload; `null`: not yet, the daemon is starting. Default: it never can. */
  reloads?: () => Reloading | null
  /** Told of each server at an address of no host, and asked for them. */
  unknownAddresses: Pick<UnknownAddresses, 'note' | 'list'>
  /** The set that this instance is in; default: none. */
  shared?: SharedFacts | null
  /** Of this machine, for peers; `null`: it has none. */
  machineId: string | null
  version: string
  /** What the tables of repmgr said; default: nothing. */
  tables?: Pick<NodeTables, 'primariesOf'>
  /** LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES of systemd; default: the process' environment. */
  env?: NodeJS.ProcessEnv
  /** Milliseconds between the 503 of /readyz and the closing of the listeners; default 500. */
  announceMs?: number
}>

export interface Api extends AsyncDisposable {
  /** Where the daemon listens: URLs, and paths of sockets. */
  readonly addresses: readonly string[]
  /** Throws OperatorError where a new endpoint cannot be opened; the old ones then stay. */
  reload(config: Config): Promise<void>
}

/**
 * Listens as `config` says. Throws OperatorError where an endpoint cannot be opened. Answers at
 * once, also before the first round of probes is done: V0 (starting) is an answer.
 */
export async function startApi(deps: ApiDeps): Promise<Api> {
  const {clock, log, metrics, source, announceMs = 500, env = process.env} = deps
  const context: Context = {
    tables: new NodeTables(),
    routers: () => [],
    reloads: () => null,
    shared: null,
    ...deps,
    isStopping: false,
    handover: new Handover(),
    orderRecord: new OrderRecord(deps),
    refusals: new RefusalDelay(clock),
  }
  const stream = new EventStream(deps)
  const own = deps.shared ? new EventStream({...deps, source: deps.shared.own}) : null
  const uncount = source.subscribe((publication) => metrics.published(publication, deps.clock.now()))
  const answer = await buildApp(allRoutes({all: stream, own}, deps.version), context)
  const handler = (kind: ListenerKind): RequestListener =>
    isVocabulary(kind)
      ? localHandler(kind, context)
      : (request, response) => {
          if (kind === 'control') trust(request)
          answer(request, response)
        }
  const calls = callsOf({...deps, own: deps.shared?.own, answerer: () => answererOf(context.config)})
  const inherited = inheritedListeners(env, process.pid)
  const listeners = new Listeners({handler, calls, inherited, dropped: metrics.dropped, clock, log})
  const release = () => {
    uncount()
    stream[Symbol.dispose]()
    own?.[Symbol.dispose]()
  }
  try {
    await listeners.applyConfig(deps.config)
  } catch (error) {
    release()
    throw error
  }
  log.info({addresses: listeners.addresses}, 'listening')
  return {
    get addresses() {
      return listeners.addresses
    },
    async reload(config) {
      await listeners.applyConfig(config)
      context.config = config
    },
    async [Symbol.asyncDispose]() {
      if (context.isStopping) return
      context.isStopping = true
      if (announceMs > 0) await new Promise<void>((resolve) => void clock.after(announceMs, resolve))
      release()
      await listeners.close()
    },
  }
}
