import type {ServerResponse} from 'node:http'

/** What may wait in memory for one reader, on top of the largest single frame. */
const patienceBytes = 1 << 20

/**
 * One open stream. A reader that cannot keep up loses samples first, then the connection; it never
 * makes us keep what it does not read.
 */
export class EventReader {
  readonly wantsSamples: boolean
  readonly #response: ServerResponse
  /** The last sequence that this reader was told of. */
  sequence = -1

  constructor(response: ServerResponse, wantsSamples: boolean) {
    this.#response = response
    this.wantsSamples = wantsSamples
  }

  get isKeepingUp(): boolean {
    return !this.#response.writableNeedDrain
  }

  /** False: the reader was too slow, and is gone. */
  write(frame: string): boolean {
    if (this.#response.destroyed) return false
    const waiting = this.#response.writableLength
    this.#response.write(frame)
    if (waiting <= patienceBytes + frame.length) return true
    this.#response.destroy()
    return false
  }

  end(): void {
    this.#response.end()
  }
}
