import type {Actuator, Applied, ApplyOptions} from '../../core/actuator.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {type DesiredHaproxy, type HaproxyPlan, type HaproxyStep, planHaproxy} from './plan.ts'
import {type HaproxyLife, type HaproxyState, isSameLife, readHaproxy} from './read.ts'
import {openRuntime, type Runtime, type RuntimeAddress} from './runtime.ts'
import {cutStaleWorkers} from './stale-workers.ts'

const forcedMaintenance = 1

/** So many times may somebody else change what we set before we take it for a second pusher. */
const patience = 2

const alarm =
  'somebody else changes the same servers: only one daemon may push to a HAProxy, others use httpchk or agent; from now on servers are only stopped, until "pgroute66 maintenance on" and "off", or a restart of this daemon'

export type HaproxyTarget = Readonly<{socket: RuntimeAddress; masterSocket: RuntimeAddress | null}>

/** Tells one HAProxy over its runtime API. */
export function haproxyActuator(target: HaproxyTarget, wish: DesiredHaproxy): Actuator {
  return new HaproxyPush(target, wish)
}

type Running = Readonly<{snapshot: Snapshot; isOutdated: () => boolean; runtime: Runtime; done: string[]}>

class HaproxyPush implements Actuator {
  readonly name: string
  readonly #target: HaproxyTarget
  readonly #wish: DesiredHaproxy
  /** Whether each server was stopped when we last looked, in this worker. */
  #left: Readonly<{life: HaproxyLife; stopped: ReadonlyMap<string, boolean>}> | null = null
  #meddled = 0

  constructor(target: HaproxyTarget, wish: DesiredHaproxy) {
    this.name = `haproxy ${target.socket}`
    this.#target = target
    this.#wish = wish
  }

  renew(): void {
    this.#left = null
    this.#meddled = 0
  }

  async apply(snapshot: Snapshot, {dryRun, signal, isOutdated}: ApplyOptions): Promise<Applied> {
    const done: string[] = []
    try {
      using runtime = await openRuntime(this.#target.socket, signal)
      const before = await readHaproxy(runtime)
      this.#watchForOthers(before)
      const plan = this.#plan(before, snapshot)
      if (dryRun)
        return {
          outcome: 'planned',
          steps: plan.steps.map(({command, why}) => `${command}  # ${why}`),
          problems: plan.problems,
        }
      await this.#run(plan, before, {snapshot, isOutdated, runtime, done})
      const after = plan.steps.length > 0 ? await this.#verify(snapshot, runtime, done) : before
      this.#remember(after)
      const problems = [
        ...plan.problems,
        ...(await this.#cutOld(plan, signal, done)),
        ...(this.#isRestrained ? [alarm] : []),
      ]
      const isDone = plan.isWhole && problems.length === plan.problems.length
      return {outcome: isDone ? (done.length > 0 ? 'applied' : 'in-sync') : 'failed', steps: done, problems}
    } catch (error) {
      // What was said last may have been done: our own change must not look like somebody else's.
      this.#left = null
      return {outcome: 'failed', steps: done, problems: [wordsOf(error)]}
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  get #isRestrained(): boolean {
    return this.#meddled >= patience
  }

  #plan({servers}: HaproxyState, snapshot: Snapshot): HaproxyPlan {
    const plan = planHaproxy(this.#wish, servers, snapshot)
    return this.#isRestrained ? {...plan, steps: plan.steps.filter(({kind}) => kind === 'stop')} : plan
  }

  /**
   * Stops and cuts; reads back that all that must stand still does; only then starts (DESIGN 9:
   * each step was seen to matter).
   */
  async #run(
    {steps}: HaproxyPlan,
    before: HaproxyState,
    {snapshot, isOutdated, runtime, done}: Running,
  ): Promise<void> {
    const starts = steps.filter(({kind}) => kind === 'start')
    for (const step of steps.filter(({kind}) => kind !== 'start')) await say(step, runtime, done)
    if (starts.length === 0) return
    const now = await readHaproxy(runtime)
    if (!isSameLife(before.life, now.life))
      throw new Error('HAProxy was reloaded in the middle of a switch: it is read again')
    const left = planHaproxy(this.#wish, now.servers, snapshot).steps
    const standing = left.filter(({kind}) => kind === 'stop')
    if (standing.length > 0)
      throw new Error(`${standing.map(keyOf).join(', ')} did not stop, so nothing else is started`)
    // Whoever came in while it was being stopped.
    for (const step of left.filter(({kind}) => kind === 'cut')) await say(step, runtime, done)
    for (const step of starts) {
      // A HAProxy that hung may have kept us waiting for seconds.
      if (isOutdated()) return
      await say(step, runtime, done)
    }
  }

  /** What went wrong with it: what was said to the worker of today stays said. */
  async #cutOld({deposed}: HaproxyPlan, signal: AbortSignal, done: string[]): Promise<readonly string[]> {
    const {masterSocket} = this.#target
    try {
      if (masterSocket !== null) done.push(...(await cutStaleWorkers(masterSocket, deposed, signal)))
      return []
    } catch (error) {
      return [wordsOf(error)]
    }
  }

  /**
   * Somebody may have started another server between our reading and our starting: then it is
   * stopped again, and counted.
   */
  async #verify(snapshot: Snapshot, runtime: Runtime, done: string[]): Promise<HaproxyState> {
    const after = await readHaproxy(runtime)
    const strange = planHaproxy(this.#wish, after.servers, snapshot).steps.filter(({kind}) => kind === 'stop')
    if (strange.length === 0) return after
    this.#meddled += 1
    for (const step of strange) await say(step, runtime, done)
    return readHaproxy(runtime)
  }

  /** A second pusher would lift what we stop, and we what it stops: two writers up. */
  #watchForOthers({life, servers}: HaproxyState): void {
    const left = this.#left !== null && isSameLife(this.#left.life, life) ? this.#left.stopped : null
    const isChanged = servers.some((server) => (left?.get(keyOf(server)) ?? isStopped(server)) !== isStopped(server))
    if (isChanged) this.#meddled += 1
  }

  #remember({life, servers}: HaproxyState): void {
    const ours = servers.filter(({backend}) => Object.hasOwn(this.#wish.backends, backend))
    this.#left = {life, stopped: new Map(ours.map((server) => [keyOf(server), isStopped(server)]))}
  }
}

/** The commands that we use answer nothing when they worked. */
async function say(step: HaproxyStep, runtime: Runtime, done: string[]): Promise<void> {
  const reply = await runtime.ask(step.command)
  if (reply !== '') {
    const next = /permission/i.test(reply) ? ': give this stats socket "level admin"' : ''
    throw new Error(`HAProxy answered "${reply}" to "${step.command}"${next}`)
  }
  done.push(step.command)
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const keyOf = ({backend, server}: {backend: string; server: string}) => `${backend}/${server}`
const isStopped = ({adminState}: {adminState: number}) => (adminState & forcedMaintenance) !== 0
