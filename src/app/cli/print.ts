import {writeSync} from 'node:fs'

/**
 * Writes at once and completely: whoever prints may exit right after. Not through `process.stdout`,
 * which costs a check a millisecond and is not always synchronous. A reader that has gone (`| head
 * -1`) is not an error of ours.
 */
export function print(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text.endsWith('\n') ? text : `${text}\n`)
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done)
    } catch (error) {
      // A pipe that somebody set to non-blocking, and that is full: its reader is slow, not gone.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}
