import type {RequestListener} from 'node:http'
import type {Config} from '../config/config.ts'
import type {PastChange} from '../core/changes.ts'
import type {Clock, Log, Orders, SnapshotSource} from '../core/ports.ts'
import {buildApp} from './app.ts'
import {trust} from './authorisation.ts'
import type {Context} from './context.ts'
import {EventStream} from './event-stream.ts'
import {Listeners} from './listen/listeners.ts'
import {inheritedListeners, type ListenerKind} from './listen/socket-activation.ts'
import type {Metrics} from './metrics.ts'
import {allRoutes} from './routes.ts'

export type ApiDeps = Readonly<{
  config: Config
  source: SnapshotSource
  orders: Orders
  clock: Clock
  log: Log
  metrics: Metrics
  pastChanges: () => readonly PastChange[]
  version: string
  /** Where systemd says what it hands over. */
  env?: NodeJS.ProcessEnv
  /** How long a stop is announced by /readyz before anything else of it happens. */
  announceMs?: number
}>

export interface Api extends AsyncDisposable {
  /** Where it listens: URLs, and paths of sockets. */
  readonly addresses: readonly string[]
  /** Throws OperatorError, and goes on as before, where the new places cannot be had. */
  reload(config: Config): Promise<void>
}

/**
 * Listens as `config` says. Throws OperatorError where it cannot. Answers at once, also before the
 * first round is done: V0 is an answer.
 */
export async function startApi(deps: ApiDeps): Promise<Api> {
  const {clock, log, metrics, source, announceMs = 500, env = process.env} = deps
  const context: Context = {...deps, isStopping: false}
  const stream = new EventStream(deps)
  const uncount = source.subscribe((publication) => metrics.published(publication))
  const answer = await buildApp(allRoutes(stream, deps.version), context)
  const handler =
    (kind: ListenerKind): RequestListener =>
    (request, response) => {
      if (kind === 'control') trust(request)
      answer(request, response)
    }
  const listeners = new Listeners({handler, inherited: inheritedListeners(env, process.pid), clock, log})
  const release = () => {
    uncount()
    stream[Symbol.dispose]()
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
