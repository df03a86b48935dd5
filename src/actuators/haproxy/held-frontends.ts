import type {PoolRole} from '../../core/offers/pools.ts'
import type {HeldState, Snapshot} from '../../core/snapshot.ts'
import type {HeldFile} from '../../system/held-file.ts'
import {limitCommand, planHold} from './hold-plan.ts'
import type {HaproxyState} from './read.ts'
import {openRuntime, type Runtime, type RuntimeAddress} from './runtime.ts'

type Site = Readonly<{backends: Readonly<Record<string, PoolRole>>; frontends: Readonly<Record<string, string>>}>
type Pass = Readonly<{observed: HaproxyState; snapshot: Snapshot; runtime: Runtime; done: string[]}>

/** While sessions are still open, HAProxy is read again after this time. */
const settleMs = 25

/** Makes the clients of a HAProxy wait during a planned switch, and lets them go on. */
export class HeldFrontends {
  readonly #site: Site
  readonly #file: HeldFile
  /** `null`: what a former process held was not read yet. */
  #kept: Readonly<Record<string, number>> | null = null

  constructor(site: Site, file: HeldFile) {
    this.#site = site
    this.#file = file
  }

  /** What is held is written down first: a daemon that crashes in between leaves no client waiting. */
  async hold({observed, snapshot, runtime, done}: Pass): Promise<void> {
    this.#kept ??= await this.#file.read()
    const kept = this.#kept
    const plan = planHold({...this.#site, observed, kept, snapshot})
    if (plan.holds.length === 0) return
    this.#kept = {...kept, ...plan.kept}
    await this.#file.write(this.#kept)
    for (const command of plan.holds) await send(command, runtime, done)
  }

  /** `isInStep`: the servers follow the verdict. While a switch is under way, clients wait for that. */
  async release(
    {observed, snapshot, runtime, done}: Pass,
    isInStep: boolean,
  ): Promise<Readonly<{held?: HeldState; againMs?: number}>> {
    const plan = planHold({...this.#site, observed, kept: this.#kept ?? {}, snapshot})
    const mayRelease = isInStep || !snapshot.hold
    if (mayRelease) {
      for (const command of plan.releases) await send(command, runtime, done)
      this.#kept = plan.kept
      await this.#file.write(plan.kept)
    }
    if (plan.held === null) return {}
    return {held: plan.held, ...(plan.held.status === 'waiting' && {againMs: settleMs})}
  }

  /** The frontends that are held, as written down. */
  async load(): Promise<readonly string[]> {
    this.#kept ??= await this.#file.read()
    return Object.keys(this.#kept)
  }

  /** Whatever the verdict says. Resolves to the reason why it failed; never rejects. */
  async releaseAll(socket: RuntimeAddress, signal: AbortSignal): Promise<string | null> {
    const kept = Object.entries(this.#kept ?? {})
    if (kept.length === 0) return null
    try {
      using runtime = await openRuntime(socket, signal)
      for (const [frontend, limit] of kept) await runtime.ask(limitCommand(frontend, limit))
      this.#kept = {}
      await this.#file.write({})
      return null
    } catch (error) {
      // HAProxy is gone, and its limits with it; or the file stays for a later process.
      return error instanceof Error ? error.message : String(error)
    }
  }
}

async function send(command: string, runtime: Runtime, done: string[]): Promise<void> {
  const reply = await runtime.ask(command)
  if (reply !== '') throw new Error(`HAProxy answered "${reply}" to "${command}"`)
  done.push(command)
}
