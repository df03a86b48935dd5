import {OperatorError} from '../../core/errors.ts'
import type {Clock, HoldRequest, Holds, Log, Who} from '../../core/ports.ts'
import type {Hold} from '../../core/snapshot.ts'
import {unknownNameError} from '../../core/unknown-name.ts'
import {afterLimit} from '../../core/wait.ts'
import type {Monitor} from '../monitor.ts'

type HoldLeaseDeps = Readonly<{
  /** A set of instances that share the groups shows no hold. */
  monitor: Pick<Monitor, 'current'> & Partial<Pick<Monitor, 'showHold'>>
  clock: Clock
  log: Log
  /** Of the configuration in force. */
  stateDir: string | null
}>
type Held = Readonly<{hold: Hold; cancelLimit: () => void}>

/**
 * The hold of a planned switch, as a lease. The command that asked renews it; when the command dies,
 * or its time is over, the hold ends and every router follows the verdict again.
 */
export class HoldLease implements Holds, AsyncDisposable {
  readonly #deps: HoldLeaseDeps
  #held: Held | null = null
  #cancelLease: () => void = () => {}
  #stateDir: string | null

  constructor(deps: HoldLeaseDeps) {
    this.#deps = deps
    this.#stateDir = deps.stateDir
  }

  applyConfig({stateDir}: Readonly<{stateDir: string | null}>): void {
    this.#stateDir = stateDir
  }

  /** Throws OperatorError where writers may not be held, or a hold with this id has ended. */
  hold(request: HoldRequest, who: Who): void {
    const {clock, monitor, log} = this.#deps
    const {id, leaseMs, limitMs} = request
    const isOwn = this.#held?.hold.id === id
    if (request.isRenewal && !isOwn) throw ended()
    if (!isOwn) {
      this.#refuse(request)
      const wall = clock.wall()
      const {group, from, to} = request
      const hold = {id, group, from, to, since: wall, until: wall + limitMs, by: who.by}
      this.#held = {hold, cancelLimit: clock.after(limitMs, () => this.#end('its time is over'))}
      log.warn({group, from, to, ...who}, `switchover: writers of ${group} wait`)
      monitor.showHold?.(hold)
    }
    this.#cancelLease()
    this.#cancelLease = afterLimit(clock, leaseMs, () => this.#end('the command that asked for it is silent'))
  }

  release(id: string): void {
    if (this.#held?.hold.id === id) this.#end('as ordered')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forget()
  }

  #forget(): void {
    this.#cancelLease()
    this.#held?.cancelLimit()
    this.#held = null
  }

  #end(why: string): void {
    if (this.#held === null) return
    const {group} = this.#held.hold
    this.#forget()
    this.#deps.log.warn({group}, `switchover: writers of ${group} no longer wait for it (${why})`)
    this.#deps.monitor.showHold?.(null)
  }

  #refuse({group, from}: HoldRequest): void {
    const {monitor} = this.#deps
    const snapshot = monitor.current()
    const state = snapshot.groups[group]
    if (state === undefined) throw unknownNameError('group', group, Object.keys(snapshot.groups))
    if (this.#held !== null) {
      const {by, group: other} = this.#held.hold
      const next = 'Wait until it has ended: the snapshot of the daemon shows it as "hold".'
      throw new OperatorError('SWITCHOVER_BUSY', `a switchover of ${other} by ${by} is under way`, next)
    }
    if (snapshot.maintenance !== null) {
      const next = 'Run "pgroute66 maintenance off" first.'
      throw new OperatorError('SWITCHOVER_REFUSED', 'maintenance is on, so the daemon changes no router', next)
    }
    if (monitor.showHold === undefined) {
      const next = 'Switch over with the HA tool alone.'
      throw new OperatorError('SWITCHOVER_REFUSED', 'the groups are shared with other instances', next)
    }
    if (this.#stateDir === null) {
      const next = 'Add state_dir to the configuration and restart the daemon.'
      const why = 'without state_dir a daemon that crashes could not let the waiting clients go on'
      throw new OperatorError('SWITCHOVER_REFUSED', why, next)
    }
    if (state.verdict.routedTo === from) return
    const next = 'Look at "pgroute66 check" first.'
    throw new OperatorError('SWITCHOVER_REFUSED', `${from} is not the host to write to: ${state.verdict.why}`, next)
  }
}

const ended = () =>
  new OperatorError('HOLD_ENDED', 'the hold of this switchover has ended', 'Clients no longer wait: begin again.')
