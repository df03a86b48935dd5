import * as fs from 'node:fs'
import {close, fstat, open, read} from './files.ts'

/** No file of the configuration is larger. */
const mostBytes = 16 * 1024 * 1024

/**
 * The bytes of a plain file. Rejects with an errno, or with the `code` "not a plain file" or "larger
 * than 16 MB": a pipe without a writer, or a device, would be read for ever.
 */
export async function readPlainFile(path: string): Promise<Buffer> {
  const file = await open(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  try {
    if (!(await fstat(file)).isFile()) throw refusal('not a plain file')
    const chunks: Buffer[] = []
    for (let total = 0; ; ) {
      const {bytesRead, buffer} = await read(file, Buffer.alloc(64 * 1024), 0, 64 * 1024, null)
      if (bytesRead === 0) return Buffer.concat(chunks)
      total += bytesRead
      if (total > mostBytes) throw refusal('larger than 16 MB')
      chunks.push(buffer.subarray(0, bytesRead))
    }
  } finally {
    await close(file)
  }
}

const refusal = (code: string) => Object.assign(new Error(code), {code})
