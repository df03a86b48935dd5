import {spawn} from 'node:child_process'
import {createInterface} from 'node:readline'

export type Ran = Readonly<{code: number | null; stdout: string; stderr: string}>

export type ProgramOptions = Readonly<{
  /** Beside the environment of this process without PG* and LC_*. */
  env?: Readonly<Record<string, string>>
  /** Kills the program; default: no limit. */
  limitMs?: number
  /** Gets the lines of the standard output, which are not kept then. */
  onLine?: (line: string) => void
}>

/** Of the standard error the last so many characters are kept. */
const mostKept = 16 * 1024

/**
 * Runs a program to its end, without a shell and without input. Never rejects: a program that cannot be
 * started has the code 127. A server that the program leaves behind keeps the pipes open, so without
 * `onLine` the end of the program counts, and half a second for what it has printed.
 */
export function runProgram([file = '', ...args]: readonly string[], options: ProgramOptions = {}): Promise<Ran> {
  const {env = {}, limitMs, onLine} = options
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: '/',
      env: {...ownEnvironment(), ...env},
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(limitMs !== undefined && {timeout: limitMs, killSignal: 'SIGKILL'}),
    })
    let [stdout, stderr] = ['', '']
    if (onLine) createInterface(child.stdout).on('line', onLine)
    else
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
      })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-mostKept)
    })
    const end = (code: number | null) => {
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({code, stdout, stderr})
    }
    child.once('error', (error) => resolve({code: 127, stdout, stderr: error.message}))
    if (!onLine) child.once('exit', (code) => void setTimeout(end, 500, code))
    child.once('close', end)
  })
}

/** Without the variables that change what PostgreSQL's programs do, or in which language they say it. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|LC_)/.test(name))
  return {...Object.fromEntries(kept), LC_ALL: 'C'}
}
