const keptBytes = 4_096
const keptLines = 5

/** Keeps the last lines of a command's stderr, however much the command prints. */
export class StderrTail {
  #end = Buffer.alloc(0)
  /** Bytes received in total. */
  received = 0

  add(chunk: Buffer): void {
    this.received += chunk.length
    this.#end = Buffer.concat([this.#end, chunk.subarray(-keptBytes)]).subarray(-keptBytes)
  }

  get lines(): readonly string[] {
    return this.#end
      .toString('utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .slice(-keptLines)
  }
}
