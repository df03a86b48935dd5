import {spawn} from 'node:child_process'
import {text} from 'node:stream/consumers'
import {fenceRules, renewal, shutting} from './nft.ts'

/** What ends an allow without the guard. No method rejects; `null`: done, else why not. */
export interface Fence {
  /** Sets it up, shut. */
  raise(): Promise<string | null>
  /** Open for so long from now on. */
  renew(ms: number): Promise<string | null>
  shut(): Promise<string | null>
}

export const noFence: Fence = {
  raise: async () => null,
  renew: async () => null,
  shut: async () => null,
}

/** Packets of the gated addresses reach the port only while an element of the kernel's set lives. */
export function nftFence(port: number, addresses: readonly string[], command = 'nft'): Fence {
  const run = (script: string) => runNft(command, script)
  return {
    raise: () => run(fenceRules(port, addresses)),
    renew: (ms) => run(renewal(port, ms)),
    shut: () => run(shutting(port)),
  }
}

/** A hung nft must not hold the pass up for longer. */
const limitMs = 2_000

function runNft(command: string, script: string): Promise<string | null> {
  return new Promise((resolve) => {
    const env = {PATH: `${process.env.PATH || '/usr/bin:/bin'}:/usr/sbin:/sbin`, LC_ALL: 'C'}
    const child = spawn(command, ['-f', '-'], {stdio: ['pipe', 'ignore', 'pipe'], timeout: limitMs, env})
    const said = text(child.stderr).catch(() => '')
    child.stdin.on('error', () => {})
    child.stdin.end(script)
    child.on('error', (error: NodeJS.ErrnoException) =>
      resolve(`nft cannot be run (${error.code}). Install nftables, or set fence: none.`),
    )
    child.on('close', async (code, signal) => {
      if (code === 0) return resolve(null)
      const [line = ''] = (await said).split('\n')
      const what = line.replaceAll(/\p{Cc}/gu, ' ').slice(0, 200) || (signal ?? `exit code ${code}`)
      resolve(`nft failed (${what}). The guard needs CAP_NET_ADMIN, and a kernel with nf_tables.`)
    })
  })
}
