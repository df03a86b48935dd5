import type {Clock} from '../../core/ports.ts'
import type {Change} from '../../core/snapshot.ts'
import type {Metrics} from '../metrics.ts'

export type OrderName = 'accept' | 'drain' | 'resume' | 'probe' | 'maintenance' | 'switchover' | 'adopt' | 'reload'
/** How a client proved that it may give orders; `none`: it did not. */
export type Door = 'control-socket' | 'certificate' | 'token' | 'none'

/** `by`: as the client calls itself; the door says how far that is proven. `source`: see `sourceOf`. */
export type GivenOrder = Readonly<{
  order: OrderName
  /** `null`: of no host, or the request names a host that does not exist. */
  host: string | null
  by: string | null
  reason: string | null
  door: Door
  source: string
}>
export type OrderOutcome = Readonly<{isCarriedOut: boolean; why: string}>

/** Refused orders of one source that are told: the first, then one a minute with the number since. */
const quietMs = 60_000
/** Refused orders without authorisation that are told per minute, of all sources together. */
const mostTold = 10

export type OrderRecordDeps = Readonly<{
  announce: (changes: readonly Change[]) => void
  metrics: Pick<Metrics, 'ordered'>
  clock: Clock
}>

/**
 * The record of orders: who claims to be whom, by which door, what was ordered, and what came of it.
 * Each is a change of kind `order`: in the log, in /v1/events, in /v1/changes, and so in changes.jsonl
 * of `state_dir`. A client without authorisation cannot fill it: its orders are counted.
 */
export class OrderRecord {
  readonly #deps: OrderRecordDeps
  /** Source → when it was told last, and how many of its orders were refused since. */
  readonly #quiet = new Map<string, {toldAt: number; untold: number}>()
  #told: readonly number[] = []

  constructor(deps: OrderRecordDeps) {
    this.#deps = deps
  }

  /** A probe that was carried out changes nothing, so it is counted only. */
  add(given: GivenOrder, outcome: OrderOutcome): void {
    const {order, door} = given
    this.#deps.metrics.ordered({order, door, outcome: outcome.isCarriedOut ? 'carried-out' : 'refused'})
    if (order === 'probe' && outcome.isCarriedOut) return
    const since = door === 'none' ? this.#sinceTold(given.source) : 0
    if (since !== null) this.#tell(given, outcome, since === 0 ? '' : ` (${since} more since it was last told)`)
  }

  #tell(given: GivenOrder, {isCarriedOut, why}: OrderOutcome, more: string): void {
    const {order, host, by, reason, door, source} = given
    const author = by === null ? source : `${by}, ${source}`
    const words = `${order}${host === null ? '' : ` ${host}`} by ${author} (${doorTexts[door]})`
    const said = reason === null ? '' : ` "${reason}"`
    const to = isCarriedOut ? 'carried out' : 'refused'
    this.#deps.announce([
      {kind: 'order', group: null, host, from: null, to, rule: null, why: `${words}${said}: ${why}${more}`},
    ])
  }

  /** `null`: the order is counted and not told. Else how many orders of this source were not told. */
  #sinceTold(source: string): number | null {
    const now = this.#deps.clock.now()
    for (const [one, {toldAt}] of this.#quiet) if (now - toldAt > 10 * quietMs) this.#quiet.delete(one)
    this.#told = this.#told.filter((at) => now - at < quietMs)
    const found = this.#quiet.get(source)
    if (found !== undefined && now - found.toldAt < quietMs) {
      found.untold += 1
      return null
    }
    if (this.#told.length >= mostTold) return null
    this.#told = [...this.#told, now]
    this.#quiet.set(source, {toldAt: now, untold: 0})
    return found?.untold ?? 0
  }
}

const doorTexts: Readonly<Record<Door, string>> = {
  'control-socket': 'control socket',
  certificate: 'client certificate',
  token: 'token',
  none: 'not authorised',
}
