import type {Change, Publication, Snapshot} from '../core/snapshot.ts'
import {changesToWire, type Moment} from '../protocol/snapshot-json.ts'

/** What changed at one moment. It is serialised only when there is a reader. */
export type ChangeEvent = Readonly<{
  epoch: string
  sequence: number
  changes: readonly Change[]
  snapshot: Snapshot
  at: Moment
}>

const mostEvents = 1_000
/**
 * Hosts in all kept snapshots together. Snapshots share what did not change, but each has its own
 * list of all hosts: with thousands of hosts fewer events are kept.
 */
const mostHosts = 200_000

/** The last changes, for readers that reconnect. */
export class EventHistory {
  #events: ChangeEvent[] = []
  #hosts = 0
  /** A reader that has seen this event can be given all later ones: they are still kept. */
  #completeSince: Readonly<{epoch: string; sequence: number}>

  constructor({epoch, sequence}: Pick<Snapshot, 'epoch' | 'sequence'>) {
    this.#completeSince = {epoch, sequence}
  }

  add({changes, snapshot}: Publication, at: Moment): ChangeEvent {
    const {epoch, sequence} = snapshot
    // Another daemon behind the same source numbers its events anew.
    if (epoch !== this.#completeSince.epoch) {
      this.#events = []
      this.#hosts = 0
      this.#completeSince = {epoch, sequence: sequence - 1}
    }
    const event = {epoch, sequence, changes, snapshot, at}
    this.#events.push(event)
    this.#hosts += sizeOf(event)
    while (this.#events.length > mostEvents || (this.#hosts > mostHosts && this.#events.length > 1)) {
      const dropped = this.#events.shift()
      if (!dropped) break
      this.#hosts -= sizeOf(dropped)
      this.#completeSince = {epoch, sequence: dropped.sequence}
    }
    return event
  }

  /**
   * The events after `id`, the last one that a reader saw; `null`: unknown, because `id` is of
   * another epoch, too old, or malformed.
   */
  since(id: string, current: Snapshot): readonly ChangeEvent[] | null {
    const [, epoch, digits] = /^([0-9A-Za-z]{1,32})-(\d{1,15})$/.exec(id) ?? []
    const seen = Number(digits)
    if (epoch !== current.epoch || epoch !== this.#completeSince.epoch) return null
    if (!(seen >= this.#completeSince.sequence) || seen > current.sequence) return null
    return this.#events.filter(({sequence}) => sequence > seen)
  }
}

const sizeOf = ({snapshot}: ChangeEvent) => Object.keys(snapshot.hosts).length

export const idOf = ({epoch, sequence}: Pick<Snapshot, 'epoch' | 'sequence'>): string => `${epoch}-${sequence}`

/** JSON has no raw line breaks, so one `data:` line holds the whole document. */
export function changeFrame(event: ChangeEvent): string {
  const data = JSON.stringify(changesToWire(event.changes, event.snapshot, event.at))
  return `id: ${idOf(event)}\nevent: change\ndata: ${data}\n\n`
}
