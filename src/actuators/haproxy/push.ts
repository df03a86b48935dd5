import type {Actuator, Applied} from '../../core/actuator.ts'
import {type HaproxyPlan, type HaproxyStep, type HaproxyWish, planHaproxy} from '../../core/haproxy-plan.ts'
import {type HaproxyState, readHaproxy} from './read.ts'
import {openRuntime, type Runtime, type RuntimeAddress} from './runtime.ts'

const forcedMaintenance = 1

/** So many times may somebody else change what we set before we take it for a second pusher. */
const patience = 2

/** Tells one HAProxy over its runtime API. */
export function haproxyPush(address: RuntimeAddress, wish: HaproxyWish): Actuator {
  /** Whether each server was stopped when we last looked, in this worker. */
  let left: Readonly<{pid: string; stopped: ReadonlyMap<string, boolean>}> | null = null
  let meddled = 0

  /** A second pusher would lift what we stop, and we what it stops: two writers up. From then on we only stop. */
  const watchForOthers = (state: HaproxyState) => {
    if (left?.pid !== state.pid) return
    const isChanged = state.servers.some(
      (server) => left?.stopped.has(keyOf(server)) && left.stopped.get(keyOf(server)) !== isStopped(server.adminState),
    )
    if (isChanged) meddled += 1
  }

  const restrained = (plan: HaproxyPlan): HaproxyPlan =>
    meddled < patience
      ? plan
      : {
          steps: plan.steps.filter(({kind}) => kind === 'stop'),
          problems: [
            ...plan.problems,
            'somebody else changes the same servers: only one daemon may push to a HAProxy, others use httpchk or agent; until this daemon is restarted it stops servers and starts none',
          ],
        }

  return {
    name: `haproxy ${address}`,
    async apply(snapshot, {dryRun, signal}): Promise<Applied> {
      const done: string[] = []
      try {
        using runtime = await openRuntime(address, signal)
        const state = await readHaproxy(runtime)
        watchForOthers(state)
        const plan = restrained(planHaproxy(wish, serversOf(state, wish), snapshot))
        if (dryRun) return {outcome: 'planned', steps: plan.steps.map(({command, why}) => `${command}  # ${why}`), problems: plan.problems}
        await run(plan, runtime, state.pid, done)
        const after = plan.steps.length > 0 ? await readHaproxy(runtime) : state
        left = {pid: after.pid, stopped: new Map(after.servers.map((server) => [keyOf(server), isStopped(server.adminState)]))}
        return {outcome: plan.steps.length > 0 ? 'applied' : 'in-sync', steps: done, problems: plan.problems}
      } catch (error) {
        return {outcome: 'failed', steps: done, problems: [`${error instanceof Error ? error.message : error}`]}
      }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** Stops and cuts; reads back that what was stopped is stopped; only then starts (DESIGN 9: each step was seen to matter). */
async function run({steps}: HaproxyPlan, runtime: Runtime, pid: string, done: string[]): Promise<void> {
  const starts = steps.filter(({kind}) => kind === 'start')
  for (const step of steps.filter(({kind}) => kind !== 'start')) await say(step, runtime, done)
  if (starts.length === 0) return
  const state = await readHaproxy(runtime)
  if (state.pid !== pid) throw new Error('HAProxy was reloaded in the middle of a switch: it is read again')
  const standing = steps.filter(
    ({kind, backend, server}) =>
      kind === 'stop' && !state.servers.some((other) => keyOf(other) === `${backend}/${server}` && isStopped(other.adminState)),
  )
  if (standing.length > 0) throw new Error(`${standing.map(keyOf).join(', ')} did not stop, so nothing else is started`)
  for (const step of starts) await say(step, runtime, done)
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

const keyOf = ({backend, server}: {backend: string; server: string}) => `${backend}/${server}`
const isStopped = (adminState: number) => (adminState & forcedMaintenance) !== 0
const serversOf = (state: HaproxyState, wish: HaproxyWish) => state.servers.filter(({backend}) => wish.backends[backend] !== undefined)
