const keptBytes = 4_096
const keptLines = 5

/** The end of what a command prints: a few lines, however much it is. */
export class StderrTail {
  #end = Buffer.alloc(0)
  /** How much came, in bytes. */
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
