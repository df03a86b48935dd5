import {OperatorError} from '../../core/errors.ts'
import type {HeldState} from '../../core/snapshot.ts'
import type {WireHold, WireSnapshot, WireVerdict} from '../../protocol/snapshot-json.ts'
import {type Channel, order, question} from '../control/order.ts'
import type {Move} from './tool.ts'

/** What the daemon answers to `POST /v1/switchover`. */
export type Progress = Readonly<{
  hold: WireHold | null
  maintenance: boolean
  verdict: WireVerdict | null
  actuators: Readonly<Record<string, Readonly<{status: string; problems: readonly string[]; held: HeldState | null}>>>
}>

/** The daemon holds for so long after it was last asked. The command asks many times a second. */
export const leaseMs = 5_000
/** A daemon that does not answer within this is silent, and asked again. */
const answerMs = 1_000

export type Requested = Move & Readonly<{id: string; limitMs: number; by: string | null; reason: string | null}>

/** The daemon's part of a switchover. `null`: the daemon does not answer. */
export class HoldingDaemon {
  readonly #channel: Channel
  readonly #asked: Requested

  constructor(channel: Channel, asked: Requested) {
    this.#channel = channel
    this.#asked = asked
  }

  /** Begins. Throws OperatorError with the daemon's own text. */
  async begin(): Promise<Progress> {
    return this.#order({on: true}, 10_000)
  }

  /** `ended`: the daemon holds no longer. */
  renew(): Promise<Progress | 'ended' | null> {
    return this.#order({on: true, renew: true}, answerMs).catch((error: unknown) => {
      if (!(error instanceof OperatorError)) throw error
      return error.code === 'HOLD_ENDED' ? 'ended' : null
    })
  }

  /** Ends the hold, or only looks where it has ended. */
  release(): Promise<Progress | null> {
    return this.#order({on: false}, answerMs).catch((error: unknown) => {
      if (error instanceof OperatorError) return null
      throw error
    })
  }

  async #order(body: object, limitMs: number): Promise<Progress> {
    const {id, group, from, to, limitMs: limit, by, reason} = this.#asked
    const request = {...body, id, group, from, to, lease: `${leaseMs}ms`, limit: `${limit}ms`, by, reason}
    return (await order(this.#channel, '/v1/switchover', request, limitMs)) as Progress
  }
}

export const snapshotOf = async (channel: Channel): Promise<WireSnapshot> =>
  (await question(channel, '/v1/snapshot')) as unknown as WireSnapshot
