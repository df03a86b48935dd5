import {writeSync} from 'node:fs'

/**
 * Writes the whole text before it returns: the caller may exit right after. Not through
 * `process.stdout`, which costs a check a millisecond and is not always synchronous. A reader that
 * has gone (`| head -1`) is not an error.
 */
export function print(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text.endsWith('\n') ? text : `${text}\n`)
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done)
    } catch (error) {
      // Another process made the pipe non-blocking, and it is full: its reader is slow, not gone.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}
