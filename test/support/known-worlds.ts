import {hash} from 'node:crypto'

/** Where a world was first reached from. `from`: the number of that world; -1: it is the first one. */
type Origin = Readonly<{from: number; what: string}>

/**
 * Tens of millions of worlds in a few bytes each: 64 bits of a hash of the key, and how each was first
 * reached. Two of 10⁷ worlds are taken for one with a chance of 1 in 300,000.
 */
export class KnownWorlds {
  #slots = new Int32Array(1 << 16).fill(-1)
  #high = new Uint32Array(1 << 15)
  #low = new Uint32Array(1 << 15)
  #from = new Int32Array(1 << 15)
  #what = new Uint16Array(1 << 15)
  readonly #names: string[] = []
  readonly #numbers = new Map<string, number>()
  size = 0

  /** The number of a world that was not known; `null`: it was. */
  add(key: string, {from, what}: Origin): number | null {
    const bits = hash('md5', key, 'buffer')
    const high = bits.readUInt32LE(0)
    const low = bits.readUInt32LE(4)
    if (this.size === this.#high.length) this.#grow()
    const slot = this.#slotOf(high, low)
    if (this.#slots[slot] !== -1) return null
    const number = this.size
    this.size += 1
    this.#slots[slot] = number
    this.#high[number] = high
    this.#low[number] = low
    this.#from[number] = from
    this.#what[number] = this.#numberOf(what)
    return number
  }

  /** The steps from the first world to this one. */
  pathTo(number: number): readonly string[] {
    const steps: string[] = []
    for (let at = number; (this.#from[at] ?? -1) !== -1; at = this.#from[at] ?? -1)
      steps.unshift(this.#names[this.#what[at] ?? 0] ?? '')
    return steps
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#slots.length - 1
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot] ?? -1
      if (number === -1 || (this.#high[number] === high && this.#low[number] === low)) return slot
    }
  }

  #numberOf(what: string): number {
    const known = this.#numbers.get(what)
    if (known !== undefined) return known
    this.#names.push(what)
    this.#numbers.set(what, this.#names.length - 1)
    return this.#names.length - 1
  }

  #grow(): void {
    const wider = <Table extends Uint32Array | Int32Array | Uint16Array>(table: Table, into: Table): Table => {
      into.set(table)
      return into
    }
    const room = this.#high.length * 2
    this.#high = wider(this.#high, new Uint32Array(room))
    this.#low = wider(this.#low, new Uint32Array(room))
    this.#from = wider(this.#from, new Int32Array(room))
    this.#what = wider(this.#what, new Uint16Array(room))
    this.#slots = new Int32Array(room * 2).fill(-1)
    for (let number = 0; number < this.size; number += 1)
      this.#slots[this.#slotOf(this.#high[number] ?? 0, this.#low[number] ?? 0)] = number
  }
}
