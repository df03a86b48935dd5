import type {Actuator, Applied, ApplyOptions} from '../../core/actuator.ts'
import type {NamedOnly} from '../../core/offers/unknown-addresses.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {HeldFile} from '../../system/held-file.ts'
import {HeldFrontends} from './held-frontends.ts'
import {letsWait} from './hold-plan.ts'
import {type DesiredHaproxy, type HaproxyPlan, type HaproxyStep, planHaproxy} from './plan.ts'
import {type HaproxyLife, type HaproxyState, isSameLife, readHaproxy} from './read.ts'
import {readingOf} from './reading.ts'
import {openRuntime, type Runtime, type RuntimeAddress} from './runtime.ts'
import {cutStaleWorkers} from './stale-workers.ts'

const forcedMaintenance = 1
/** What the releases get when the daemon stops. */
const stopMs = 1_000

/** Foreign changes of our servers, before the actuator takes them for a second pusher. */
const toleratedChanges = 2

const secondPusher = [
  'another process is changing these servers. Only one daemon may push to a HAProxy;',
  'use httpchk or agent for the others. Until you run "pgroute66 maintenance on" and "off",',
  'or restart this daemon, it only stops servers and starts none',
].join(' ')

export type HaproxySite = DesiredHaproxy &
  Readonly<{
    /** Frontend → its backend, for those that have another name. Absent: none. */
    frontends?: Readonly<Record<string, string>>
    /** Where it is kept what a planned switch holds back; absent: nowhere. */
    stateDir?: string | null
  }>
export type HaproxySockets = Readonly<{socket: RuntimeAddress; masterSocket: RuntimeAddress | null}>

/**
 * Keeps one HAProxy in step over its runtime API. `namedOnly`: told of each server at an address of
 * no host, whenever it is read.
 */
export function haproxyActuator(
  sockets: HaproxySockets,
  desired: HaproxySite,
  namedOnly: NamedOnly = () => {},
): Actuator {
  return new HaproxyActuator(sockets, desired, namedOnly)
}

type Running = Readonly<{snapshot: Snapshot; isOutdated: () => boolean; runtime: Runtime; done: string[]}>

class HaproxyActuator implements Actuator {
  readonly name: string
  readonly kind = 'haproxy'
  readonly #sockets: HaproxySockets
  readonly #desired: DesiredHaproxy
  readonly #frontends: HeldFrontends
  readonly #namedOnly: NamedOnly
  /** Whether each server was stopped at the last read, and in which life of HAProxy. */
  #lastRead: Readonly<{life: HaproxyLife; stopped: ReadonlyMap<string, boolean>}> | null = null
  #foreignChanges = 0

  constructor(sockets: HaproxySockets, desired: HaproxySite, namedOnly: NamedOnly) {
    this.name = `haproxy ${sockets.socket}`
    const {frontends = {}, stateDir = null} = desired
    this.#frontends = new HeldFrontends({backends: desired.backends, frontends}, new HeldFile(stateDir, this.name))
    this.#sockets = sockets
    this.#desired = desired
    this.#namedOnly = namedOnly
  }

  renew(): void {
    this.#lastRead = null
    this.#foreignChanges = 0
  }

  async apply(snapshot: Snapshot, {dryRun, signal, isOutdated}: ApplyOptions): Promise<Applied> {
    const done: string[] = []
    try {
      using runtime = await openRuntime(this.#sockets.socket, signal)
      const before = await readHaproxy(runtime)
      this.#countForeignChanges(before)
      const plan = this.#plan(before, snapshot)
      for (const {server, host} of plan.namedOnly) this.#namedOnly(server, host)
      if (dryRun)
        return {
          outcome: 'planned',
          steps: plan.steps.map(({command, why}) => `${command}  # ${why}`),
          problems: plan.problems,
          reading: this.#reading(before, snapshot),
        }
      await this.#frontends.hold({observed: before, snapshot, runtime, done})
      await this.#run(plan, before, {snapshot, isOutdated, runtime, done})
      const after = plan.steps.length > 0 || done.length > 0 ? await this.#verify(snapshot, runtime, done) : before
      this.#remember(after)
      const held = await this.#frontends.release({observed: after, snapshot, runtime, done}, plan.isWhole)
      const problems = [
        ...plan.problems,
        ...(await this.#cutStaleWorkers(plan, signal, done)),
        ...(this.#isRestrained ? [secondPusher] : []),
      ]
      const isDone = plan.isWhole && problems.length === plan.problems.length
      return {
        outcome: isDone ? (done.length > 0 ? 'applied' : 'in-sync') : 'failed',
        steps: done,
        problems,
        reading: this.#reading(after, snapshot),
        ...held,
      }
    } catch (error) {
      // HAProxy may have carried out the last command: our own change must not count as foreign.
      this.#lastRead = null
      return {outcome: 'failed', steps: done, problems: [messageOf(error)]}
    }
  }

  /** In a maintenance no client waits for the daemon. */
  async rest(signal: AbortSignal): Promise<void> {
    await this.#frontends.releaseAll(this.#sockets.socket, signal)
  }

  /** A daemon that stopped must not leave clients waiting. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#frontends.releaseAll(this.#sockets.socket, AbortSignal.timeout(stopMs))
  }

  get #isRestrained(): boolean {
    return this.#foreignChanges >= toleratedChanges
  }

  #reading = ({servers}: HaproxyState, snapshot: Snapshot) => readingOf(this.#desired, servers, snapshot)

  #plan({servers, version}: HaproxyState, snapshot: Snapshot): HaproxyPlan {
    const plan = planHaproxy({...this.#desired, refusesHeld: !letsWait(version)}, servers, snapshot)
    return this.#isRestrained ? {...plan, steps: plan.steps.filter(({kind}) => kind === 'stop')} : plan
  }

  /**
   * Stops and cuts, reads back that every stopped server is stopped, and only then starts (DESIGN 9:
   * each step was seen to matter).
   */
  async #run(
    {steps}: HaproxyPlan,
    before: HaproxyState,
    {snapshot, isOutdated, runtime, done}: Running,
  ): Promise<void> {
    const starts = steps.filter(({kind}) => kind === 'start')
    for (const step of steps.filter(({kind}) => kind !== 'start')) await send(step, runtime, done)
    if (starts.length === 0) return
    const now = await readHaproxy(runtime)
    if (!isSameLife(before.life, now.life))
      throw new Error('HAProxy was reloaded during a switch: the daemon reads it again')
    const left = this.#plan(now, snapshot).steps
    const standing = left.filter(({kind}) => kind === 'stop')
    if (standing.length > 0)
      throw new Error(`${standing.map(keyOf).join(', ')} did not stop, so no other server is started`)
    // Sessions that began while the server was being stopped.
    for (const step of left.filter(({kind}) => kind === 'cut')) await send(step, runtime, done)
    for (const step of starts) {
      // A HAProxy that hung may have delayed this for seconds.
      if (isOutdated()) return
      await send(step, runtime, done)
    }
  }

  /** Its problems. A failure here takes back nothing that the present worker has done. */
  async #cutStaleWorkers({deposed}: HaproxyPlan, signal: AbortSignal, done: string[]): Promise<readonly string[]> {
    const {masterSocket} = this.#sockets
    try {
      if (masterSocket !== null) done.push(...(await cutStaleWorkers(masterSocket, deposed, signal)))
      return []
    } catch (error) {
      return [messageOf(error)]
    }
  }

  /**
   * Another process may have started a server between the read and the start. The actuator stops
   * such a server and counts the change.
   */
  async #verify(snapshot: Snapshot, runtime: Runtime, done: string[]): Promise<HaproxyState> {
    const after = await readHaproxy(runtime)
    const strange = this.#plan(after, snapshot).steps.filter(({kind}) => kind === 'stop')
    if (strange.length === 0) return after
    this.#foreignChanges += 1
    for (const step of strange) await send(step, runtime, done)
    return readHaproxy(runtime)
  }

  /** Two pushers would each start what the other stops: two writers up. */
  #countForeignChanges({life, servers}: HaproxyState): void {
    const left = this.#lastRead !== null && isSameLife(this.#lastRead.life, life) ? this.#lastRead.stopped : null
    const isChanged = servers.some((server) => (left?.get(keyOf(server)) ?? isStopped(server)) !== isStopped(server))
    if (isChanged) this.#foreignChanges += 1
  }

  #remember({life, servers}: HaproxyState): void {
    const ours = servers.filter(({backend}) => Object.hasOwn(this.#desired.backends, backend))
    this.#lastRead = {life, stopped: new Map(ours.map((server) => [keyOf(server), isStopped(server)]))}
  }
}

/** HAProxy answers these commands with an empty line when they worked. */
async function send(step: HaproxyStep, runtime: Runtime, done: string[]): Promise<void> {
  const reply = await runtime.ask(step.command)
  if (reply !== '') {
    const next = /permission/i.test(reply) ? ': add "level admin" to this stats socket in haproxy.cfg' : ''
    throw new Error(`HAProxy answered "${reply}" to "${step.command}"${next}`)
  }
  done.push(step.command)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const keyOf = ({backend, server}: {backend: string; server: string}) => `${backend}/${server}`
const isStopped = ({adminState}: {adminState: number}) => (adminState & forcedMaintenance) !== 0
