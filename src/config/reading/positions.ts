import {EVENT_ID, type Event, getScalarValue, parseEvents, type ScalarEvent} from 'js-yaml'

/** Both count from 1. */
export type Position = Readonly<{line: number; column: number}>

type Entry = Readonly<{key: number; value: Place}>
/** Where a value stands (offset into the text; -1: nowhere), and what is in it. */
type Place = Readonly<{
  at: number
  entries: ReadonlyMap<string, Entry>
  /** `<<`: what the mapping takes over. */
  merged: readonly Place[]
  items: readonly Place[]
}>

const scalarPlace = (at: number): Place => ({at, entries: new Map(), merged: [], items: []})

/**
 * Finds where the values of a YAML text stand, by the paths that problems have: `hosts.h1.port`,
 * `groups.a[1]`. Loaded for a configuration that is refused. `text`: one that has been read before.
 */
export function positionsIn(text: string): (path: string, which: 'key' | 'value') => Position | null {
  const root = rootOf(text)
  return (path, which) => {
    const offset = root === null ? -1 : offsetOf(root, path, which)
    return offset < 0 ? null : positionAt(text, offset)
  }
}

function rootOf(text: string): Place | null {
  try {
    const events = parseEvents(text, {})
    const document = events.findIndex(({type}) => type === EVENT_ID.DOCUMENT)
    return new Reader(text, events, document + 1).place()
  } catch {
    return null
  }
}

/** Walks the events of one document. */
class Reader {
  readonly #text: string
  readonly #events: readonly Event[]
  #next: number
  readonly #anchors = new Map<string, Place>()

  constructor(text: string, events: readonly Event[], next: number) {
    this.#text = text
    this.#events = events
    this.#next = next
  }

  place(): Place {
    const event = this.#events[this.#next++]
    if (event === undefined) return scalarPlace(-1)
    switch (event.type) {
      case EVENT_ID.SCALAR:
        return this.#named(event, scalarPlace(event.valueStart))
      case EVENT_ID.ALIAS:
        return this.#anchors.get(this.#text.slice(event.anchorStart, event.anchorEnd)) ?? scalarPlace(event.anchorStart)
      case EVENT_ID.SEQUENCE: {
        const items: Place[] = []
        while (!this.#isEnd()) items.push(this.place())
        return this.#named(event, {...scalarPlace(event.start), items})
      }
      case EVENT_ID.MAPPING:
        return this.#named(event, this.#mapping(event.start))
      default:
        return scalarPlace(-1)
    }
  }

  #mapping(at: number): Place {
    const entries = new Map<string, Entry>()
    const merged: Place[] = []
    while (!this.#isEnd()) {
      const key = this.#events[this.#next]
      const keyPlace = this.place()
      const value = this.place()
      const name = key?.type === EVENT_ID.SCALAR ? getScalarValue(this.#text, key as ScalarEvent) : ''
      if (name === '<<') merged.push(value, ...value.items)
      else entries.set(name, {key: keyPlace.at, value})
    }
    return {at, entries, merged, items: []}
  }

  #isEnd(): boolean {
    const event = this.#events[this.#next]
    if (event !== undefined && event.type !== EVENT_ID.POP) return false
    this.#next += 1
    return true
  }

  #named(event: Readonly<{anchorStart: number; anchorEnd: number}>, place: Place): Place {
    if (event.anchorStart >= 0) this.#anchors.set(this.#text.slice(event.anchorStart, event.anchorEnd), place)
    return place
  }
}

/**
 * The offset of the path, or of the deepest part of it that is there: a missing key is told at the
 * mapping that lacks it. A key may hold dots.
 */
function offsetOf(place: Place, path: string, which: 'key' | 'value'): number {
  const index = /^\[(\d+)\]\.?/.exec(path)
  const item = index === null ? undefined : place.items[Number(index[1])]
  if (index !== null && item !== undefined) {
    const rest = path.slice(index[0].length)
    return rest === '' ? item.at : orElse(offsetOf(item, rest, which), item.at)
  }
  const [name, entry] = entryOf(place, path) ?? []
  if (name === undefined || entry === undefined) return -1
  const rest = path.slice(name.length).replace(/^\./, '')
  if (rest !== '') return orElse(offsetOf(entry.value, rest, which), entry.key)
  const isScalar = entry.value.entries.size === 0 && entry.value.items.length === 0 && entry.value.merged.length === 0
  return which === 'value' && isScalar ? orElse(entry.value.at, entry.key) : entry.key
}

const orElse = (offset: number, other: number): number => (offset < 0 ? other : offset)

/**
 * The longest key with which the path begins; the mapping's own entries first. `seen`: each mapping is
 * looked into once, because a small text can merge the same one a million times.
 */
function entryOf(place: Place, path: string, seen = new Set<Place>()): readonly [string, Entry] | null {
  if (seen.has(place)) return null
  seen.add(place)
  const fits = ([key]: readonly [string, Entry]) =>
    path === key || path.startsWith(`${key}.`) || path.startsWith(`${key}[`)
  const own = [...place.entries].filter(fits).toSorted(([one], [other]) => other.length - one.length)[0]
  if (own !== undefined) return own
  for (const other of place.merged) {
    const found = entryOf(other, path, seen)
    if (found !== null) return found
  }
  return null
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  const start = before.lastIndexOf('\n') + 1
  return {line: before.split('\n').length, column: offset - start + 1}
}
