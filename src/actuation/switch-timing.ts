import type {Clock} from '../core/ports.ts'
import type {Change, Publication} from '../core/snapshot.ts'
import type {Pass} from './loop.ts'

/** An actuator that is not in step by then is reported as late; its loop goes on retrying. */
const timeoutMs = 30_000

/**
 * The time from the answer that showed a switch to one of its stages. `stage`: `judged`, or
 * `applied` with the actuator.
 */
export type StageSeen = Readonly<{stage: 'judged' | 'applied'; actuator: string; ms: number}>

type Open = {
  readonly change: Change
  readonly seenAt: number
  readonly judgedAt: number
  readonly waiting: Set<string>
  stages: Record<string, number>
}

export type SwitchTimingDeps = Readonly<{
  /** The names of the actuators in force. */
  actuators: () => readonly string[]
  clock: Clock
  announce: (changes: readonly Change[]) => void
  record: (stage: StageSeen) => void
}>

/**
 * Follows every change of a verdict to its end: seen, judged, applied per actuator. One event per
 * switch: when the last actuator has applied it, a later switch overtakes it, or time is up.
 */
export class SwitchTiming implements Disposable {
  readonly #deps: SwitchTimingDeps
  readonly #open = new Map<string, Open & {cancel: () => void}>()

  constructor(deps: SwitchTimingDeps) {
    this.#deps = deps
  }

  /** To be called for each publication, before the loops that apply it wake up. */
  published({changes, seenAt}: Publication): void {
    const {clock, record} = this.#deps
    const actuators = this.#deps.actuators()
    for (const change of changes) {
      if (change.kind !== 'verdict' || change.group === null) continue
      const judgedAt = clock.now()
      const since = seenAt ?? judgedAt
      record({stage: 'judged', actuator: '', ms: judgedAt - since})
      this.#end(change.group)
      if (actuators.length === 0) continue
      const cancel = clock.after(timeoutMs, () => this.#end(change.group ?? ''))
      this.#open.set(change.group, {
        change,
        seenAt: since,
        judgedAt,
        waiting: new Set(actuators),
        stages: {judged: rounded(judgedAt - since)},
        cancel,
      })
    }
  }

  /** A pass that began before the verdict does not count: it may have applied the one before. */
  passed({actuator, applied, startedAt, endedAt}: Pass): void {
    if (applied === null || applied.outcome === 'failed') return
    for (const [group, open] of this.#open) {
      if (startedAt < open.judgedAt || !open.waiting.delete(actuator)) continue
      const ms = endedAt - open.seenAt
      open.stages = {...open.stages, [actuator]: rounded(ms)}
      this.#deps.record({stage: 'applied', actuator, ms})
      if (open.waiting.size === 0) this.#end(group)
    }
  }

  /** The actuator has left the configuration, so no switch waits for it. */
  gone(actuator: string): void {
    for (const [group, {waiting}] of this.#open) if (waiting.delete(actuator) && waiting.size === 0) this.#end(group)
  }

  [Symbol.dispose](): void {
    for (const {cancel} of this.#open.values()) cancel()
    this.#open.clear()
  }

  #end(group: string): void {
    const open = this.#open.get(group)
    if (open === undefined) return
    open.cancel()
    this.#open.delete(group)
    const {change, waiting, stages} = open
    const route = change.to === 'primary' ? `${change.to} ${change.host}` : `${change.to}`
    const late = waiting.size > 0 ? `; not yet applied by ${[...waiting].join(', ')}` : ''
    const durations = Object.entries(stages).map(([stage, ms]) => `${stage} ${ms} ms`)
    const why = `${group}: ${route}: ${durations.join(', ')} after the change was seen${late}`
    this.#deps.announce([
      {
        kind: 'actuator',
        group,
        host: change.host,
        from: change.from,
        to: waiting.size > 0 ? 'late' : 'applied',
        rule: change.rule,
        why,
        stages,
      },
    ])
  }
}

const rounded = (ms: number) => Math.round(ms * 100) / 100
