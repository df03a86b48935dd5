import {spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import {basename, join} from 'node:path'
import type {Binaries} from './binaries.ts'
import {childEnv} from './child-env.ts'
import type {OsAccount} from './os-account.ts'

export const hasProgram = (binaries: Binaries, name: string): boolean => existsSync(join(binaries, name))

/**
 * Runs one of PostgreSQL's programs to its end, under the account of the server. Rejects with the
 * output of the program when it fails.
 */
export async function runProgram(
  path: string,
  args: readonly string[],
  account: OsAccount | null,
  cwd: string,
): Promise<void> {
  const child = spawn(path, args, {...account, cwd, env: childEnv(), stdio: ['ignore', 'pipe', 'pipe']})
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject))
  if (code !== 0)
    throw new Error(`${basename(path)} ended with ${code}: ${Buffer.concat(output).toString().slice(-1000)}`)
}
