import {type ChildProcess, spawn} from 'node:child_process'
import {closeSync, openSync} from 'node:fs'
import {join} from 'node:path'
import type {Binaries} from './binaries.ts'
import {childEnv} from './child-env.ts'
import type {Place} from './node-conf.ts'
import type {OsAccount} from './os-account.ts'
import {readPostmasterFile} from './postmaster-file.ts'
import {childrenOf, isAlive, signalAll} from './processes.ts'
import {until} from './wait-until.ts'

/**
 * `smart` waits for sessions to end, `fast` ends them, `immediate` is a crash by request
 * (PostgreSQL documentation, 18.5 "Shutting Down the Server").
 */
export type StopMode = 'smart' | 'fast' | 'immediate'
const stopSignals = {smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT'} as const

/**
 * A child notices that its postmaster has ended when the child next waits. A child that computes
 * does not notice, and is killed after this time.
 */
const orphanMs = 2000

type Program = Readonly<{
  binaries: Binaries
  data: string
  logPath: string
  account: OsAccount | null
  within: Place['within']
}>

/** One run of a server, from its start until its last process has ended. */
export class Postmaster {
  readonly #child: ChildProcess
  readonly #data: string
  /** Resolves when the postmaster has ended; its children may still run. */
  readonly exited: Promise<void>
  #hasExited = false
  #frozen: readonly number[] = []

  private constructor(child: ChildProcess, data: string, onExit: () => void) {
    this.#child = child
    this.#data = data
    this.exited = new Promise((resolve) => {
      const gone = () => {
        if (this.#hasExited) return
        this.#hasExited = true
        onExit()
        resolve()
      }
      child.once('exit', gone).once('error', gone)
    })
  }

  static spawn({binaries, data, logPath, account, within}: Program, onExit: () => void): Postmaster {
    const log = openSync(logPath, 'a')
    const postgres = [join(binaries, 'postgres'), '-D', data]
    // Only root enters a namespace, so the account is taken inside.
    const [command = '', ...args] =
      within.length === 0 || account === null
        ? [...within, ...postgres]
        : [...within, 'setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', ...postgres]
    try {
      const stdio = ['ignore' as const, log, log]
      const owner = within.length === 0 ? account : null
      return new Postmaster(spawn(command, args, {...owner, cwd: data, env: childEnv(), stdio}), data, onExit)
    } finally {
      closeSync(log)
    }
  }

  get pid(): number | null {
    return this.#child.pid ?? null
  }

  get isRunning(): boolean {
    return !this.#hasExited
  }

  get isFrozen(): boolean {
    return this.#frozen.length > 0
  }

  /** The postmaster and its children. */
  pids(): readonly number[] {
    return this.pid === null || !this.isRunning ? [] : [this.pid, ...childrenOf(this.pid)]
  }

  /**
   * Waits for the status in postmaster.pid, as pg_ctl does: a connection would leave lines in the
   * log. `false`: the postmaster ended instead.
   */
  async isReady(): Promise<boolean> {
    await until(() => {
      const file = readPostmasterFile(this.#data)
      return !this.isRunning || (file?.pid === this.pid && file?.isReady === true)
    })
    return this.isRunning
  }

  stop(mode: StopMode): void {
    this.#child.kill(stopSignals[mode])
  }

  /** `kill -9` of the postmaster. Its children notice and end; resolves when all have ended. */
  async kill(): Promise<void> {
    const children = this.pids().slice(1)
    // Before anything is thawed: a frozen server could otherwise commit a pending transaction.
    this.#child.kill('SIGKILL')
    this.thaw()
    await this.exited
    const areGone = () => !children.some(isAlive)
    await until(areGone, orphanMs).catch(() => signalAll(children, 'SIGKILL'))
    await until(areGone)
  }

  /**
   * Every backend has its own process group, so the processes are stopped one by one. The postmaster
   * is first, because it could start more of them.
   */
  freeze(): void {
    this.freezePostmaster()
    this.#freeze(this.pids())
  }

  freezePostmaster(): void {
    if (this.pid !== null && this.isRunning) this.#freeze([this.pid])
  }

  thaw(): void {
    signalAll([...this.#frozen].reverse(), 'SIGCONT')
    this.#frozen = []
  }

  #freeze(pids: readonly number[]): void {
    this.#frozen = [...new Set([...this.#frozen, ...pids])]
    signalAll(pids, 'SIGSTOP')
  }
}
