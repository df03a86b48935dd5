import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {closeSync, existsSync, openSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {childEnv} from '../../src/demo/child-env.ts'
import type {OsAccount} from '../../src/demo/os-account.ts'
import {childrenOf, signalAll} from '../../src/demo/processes.ts'

/**
 * A program that ends with this process, however that ends: a shell waits for the end of its input
 * and kills the program.
 */
export class Program {
  readonly #folder: string
  readonly #command: readonly string[]
  readonly #account: OsAccount | null
  readonly #name: string
  #shell: ChildProcess | null = null

  constructor(folder: string, name: string, command: readonly string[], account: OsAccount | null) {
    this.#folder = folder
    this.#name = name
    this.#command = command
    this.#account = account
  }

  get output(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, 'utf8') : ''
  }

  get #logPath(): string {
    return join(this.#folder, `${this.#name}.log`)
  }

  start(): void {
    const script = '"$@" </dev/null & child=$!; read -r _; kill -9 $child 2>/dev/null'
    const log = openSync(this.#logPath, 'a')
    const shell = spawn('/bin/sh', ['-c', script, this.#name, ...this.#command], {
      cwd: this.#folder,
      env: {...childEnv(), HOME: this.#folder},
      stdio: ['pipe', log, log],
      ...(this.#account ?? {}),
    })
    closeSync(log)
    shell.stdin?.on('error', () => {})
    this.#shell = shell
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#shell?.pid !== undefined) signalAll(childrenOf(this.#shell.pid), signal)
  }

  async kill(): Promise<void> {
    const shell = this.#shell
    this.#shell = null
    if (shell?.pid === undefined || shell.exitCode !== null) return
    signalAll(childrenOf(shell.pid), 'SIGKILL')
    const ended = once(shell, 'exit')
    shell.stdin?.end()
    await ended
  }
}
