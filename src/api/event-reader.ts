import type {ServerResponse} from 'node:http'
import type {CountDrop} from './listen/drop-reason.ts'

/** Bytes that may wait in memory for one reader, on top of the largest single frame. */
const backlogBytes = 1 << 20

/**
 * One open stream. A reader that cannot keep up loses samples first, then the connection, so that
 * unread events cannot fill the memory of the daemon.
 */
export class EventReader {
  readonly wantsSamples: boolean
  readonly #response: ServerResponse
  readonly #dropped: CountDrop
  /** The last sequence that was sent to this reader. */
  sequence = -1

  constructor(response: ServerResponse, wantsSamples: boolean, dropped: CountDrop) {
    this.#response = response
    this.#dropped = dropped
    this.wantsSamples = wantsSamples
  }

  get isKeepingUp(): boolean {
    return !this.#response.writableNeedDrain
  }

  /** False: the reader was too slow and was disconnected. */
  write(frame: string): boolean {
    if (this.#response.destroyed) return false
    const waiting = this.#response.writableLength
    this.#response.write(frame)
    if (waiting <= backlogBytes + frame.length) return true
    this.#response.destroy()
    this.#dropped('unread')
    return false
  }

  end(): void {
    this.#response.end()
  }
}
