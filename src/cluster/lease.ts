import type {Clock, Log, Random} from '../core/ports.ts'
import {deadline, sleep} from '../core/wait.ts'
import type {Fence} from './fence.ts'
import {type Claimant, type Instance, isSameClaimant} from './record.ts'
import type {Joined, Registry} from './registry.ts'

export type LeaseDeps = Readonly<{
  registry: Registry
  clock: Clock
  random: Random
  log: Log
  ttlMs: number
  fence: Fence
  us: () => Instance
  /** The lease is new, or was kept. */
  renewed: () => void
}>

const retryMs = 500

/** The lease of this instance: granted, kept, and granted anew where it was lost. */
export class Lease {
  readonly #deps: LeaseDeps
  /** Of every lease of this process: what an earlier one owned is ours until another instance takes it. */
  readonly #sessions: Claimant[] = []
  #joined: Joined | null = null
  #session: string
  #complaint = ''

  constructor(deps: LeaseDeps) {
    this.#deps = deps
    this.#session = sessionOf(deps.random)
  }

  /** `null`: there is none now. */
  get joined(): Joined | null {
    return this.#joined
  }

  get session(): string {
    return this.#session
  }

  isOurs(owner: Claimant): boolean {
    return this.#sessions.some((one) => isSameClaimant(one, owner))
  }

  /** Until `signal` aborts; never rejects. */
  async keep(signal: AbortSignal): Promise<void> {
    const {clock, ttlMs} = this.#deps
    while (!signal.aborted) {
      const isKept = this.#joined === null ? await this.#join(signal) : await this.#renew(this.#joined, signal)
      await sleep(clock, isKept ? ttlMs / 3 : retryMs, signal)
    }
  }

  async leave(signal: AbortSignal): Promise<void> {
    const joined = this.#joined
    this.#joined = null
    if (joined !== null && !signal.aborted) await this.#deps.registry.leave(joined, signal).catch(() => {})
  }

  async #join(signal: AbortSignal): Promise<boolean> {
    const {registry, clock, log, ttlMs, fence, us, renewed, random} = this.#deps
    this.#session = sessionOf(random)
    const instance = us()
    using limit = deadline(clock, ttlMs / 3, signal)
    const sentAt = clock.now()
    try {
      const joined = await registry.join(instance, ttlMs, limit.signal)
      if (joined === 'taken') {
        this.#complain(`another process is instance ${instance.id} of this set, or was until its lease ends`)
        return false
      }
      this.#joined = joined
      this.#sessions.push({id: instance.id, session: instance.session})
      fence.renewed(sentAt)
      log.info({instance: instance.id, session: instance.session}, 'joined the set')
      this.#complaint = ''
      renewed()
      return true
    } catch (error) {
      if (!signal.aborted) this.#complain(`the set cannot be joined: ${messageOf(error)}`)
      return false
    }
  }

  async #renew(joined: Joined, signal: AbortSignal): Promise<boolean> {
    const {registry, clock, ttlMs, fence, renewed} = this.#deps
    using limit = deadline(clock, ttlMs / 3, signal)
    const sentAt = clock.now()
    try {
      if (await registry.keepAlive(joined, limit.signal)) {
        fence.renewed(sentAt)
        if (this.#complaint !== '') this.#deps.log.info({}, 'the lease in the set is kept again')
        this.#complaint = ''
        renewed()
        return true
      }
      this.#joined = null
      fence.ended()
      this.#complain('the lease in the set has ended: this instance joins again')
      return await this.#join(signal)
    } catch (error) {
      if (!signal.aborted) this.#complain(`the lease in the set is not kept: ${messageOf(error)}`)
      return false
    }
  }

  #complain(why: string): void {
    if (why !== this.#complaint) this.#deps.log.warn({}, why)
    this.#complaint = why
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const sessionOf = (random: Random): string =>
  Array.from({length: 12}, () => Math.floor(random() * 16).toString(16)).join('')
