import {writeSync} from 'node:fs'

/**
 * What a terminal would obey and a reader would not see: control characters but the line break and
 * the tab, marks that reverse the order of reading, characters of no width, and tags.
 */
const unsafe = /[^\P{Cc}\n\t]|[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu

/**
 * A text in which a terminal obeys nothing: it may hold words of a server, a peer or a file. Each
 * character is written as in JSON, so that a JSON document stays the same document.
 */
export const plainText = (text: string): string => text.replace(unsafe, escaped)

/** As `plainText`, and one line. */
export const plainLine = (text: string): string => plainText(text).replace(/[\n\t]/g, escaped)

const escaped = (character: string): string =>
  Array.from({length: character.length}, (_, index) => {
    const unit = character.charCodeAt(index)
    return `\\u${unit.toString(16).padStart(4, '0')}`
  }).join('')

/**
 * Writes the whole text, without what a terminal would obey, before it returns: the caller may exit
 * right after. Not through `process.stdout`, which costs a check a millisecond and is not always
 * synchronous. A reader that has gone (`| head -1`) is not an error.
 */
export function print(fd: 1 | 2, text: string): void {
  const plain = plainText(text)
  const bytes = Buffer.from(plain.endsWith('\n') ? plain : `${plain}\n`)
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
