import {type ChildProcess, type ChildProcessByStdio, spawn} from 'node:child_process'
import type {Readable} from 'node:stream'
import {fileURLToPath} from 'node:url'

export const runJs = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

export type Ran = Readonly<{
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  ms: number
}>
export type RunOptions = Readonly<{
  /** The whole environment; nothing is inherited, as under HAProxy. */
  env?: Readonly<Record<string, string>>
  cwd?: string
  /** A link to bin/run.js, to be called by another name. */
  script?: string
  /** Kills a command that hangs, so that the test fails and does not wait. */
  limitMs?: number
  /** A program and its arguments that runs the command in its own place, such as `prlimit`. */
  launcher?: readonly string[]
}>

/** Runs `pgroute66 ...args` from the built `dist`. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return start(args, options).ended
}

export type Started = Readonly<{
  child: ChildProcess
  ended: Promise<Ran>
  output: () => string
  sees: (text: string | RegExp) => Promise<void>
}>

/**
 * Starts a command that goes on, such as `serve`. `sees` resolves once its output matches, and
 * rejects when it ends before.
 */
export function start(
  args: readonly string[],
  {env = {}, cwd = '/tmp', script = runJs, limitMs = 180_000, launcher = []}: RunOptions = {},
): Started {
  const [program = process.execPath, ...words] = [...launcher, process.execPath, script, ...args]
  return watched(spawn(program, words, {env, cwd, stdio: ['ignore', 'pipe', 'pipe']}), limitMs)
}

/** The same of another program that has just been started. */
export function watched(child: ChildProcessByStdio<null, Readable, Readable>, limitMs: number): Started {
  const begun = performance.now()
  const [out, err]: [string[], string[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk.toString()))
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      resolve({code, signal, stdout: out.join(''), stderr: err.join(''), ms: performance.now() - begun})
    })
  })
  const output = () => out.join('') + err.join('')
  const matches = (text: string | RegExp) => (typeof text === 'string' ? output().includes(text) : text.test(output()))
  const sees = (text: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => matches(text) && resolve()
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      child.on('close', () => reject(new Error(`ended without ${text}: ${output()}`)))
      look()
    })
  return {child, ended, output, sees}
}
