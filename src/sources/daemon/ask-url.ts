import type {Reply} from './get-unix.ts'

/** More than any answer of a daemon: what sends more is none. */
const mostBytes = 64 << 20

export type AskOptions = Readonly<{
  /** PEM of the authorities to believe, in place of the system's. */
  ca?: string | undefined
  signal: AbortSignal
}>

/**
 * One GET over http or https. Rejects with what node says where nobody answers; loads its half of
 * node only when it is called.
 */
export async function askUrl(url: string, {ca, signal}: AskOptions): Promise<Reply> {
  const isTls = new URL(url).protocol === 'https:'
  const get = isTls ? (await import('node:https')).get : (await import('node:http')).get
  return new Promise((resolve, reject) => {
    const options = {
      signal,
      agent: false,
      headers: {accept: 'application/json'},
      ...(isTls && ca !== undefined && {ca}),
    } as const
    const request = get(url, options, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > mostBytes) request.destroy(new Error('the answer is too large'))
        else chunks.push(chunk)
      })
      response.on('end', () =>
        resolve({status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8')}),
      )
    })
    request.on('error', reject)
  })
}
