import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {writeFileSync} from 'node:fs'
import {connect} from 'node:net'
import {dirname, join} from 'node:path'
import type {WireSnapshot} from '../../../src/protocol/snapshot-json.ts'
import {getUnix} from '../../../src/sources/daemon/get-unix.ts'
import {runJs, type Started, watched} from '../../support/run.ts'

/** `serve` on one configuration, to be killed and started again. `within`: what its command begins with. */
export class Serve implements AsyncDisposable {
  readonly #config: string
  readonly #within: readonly string[]
  #running: Started | null = null

  constructor(config: string, within: readonly string[] = []) {
    this.#config = config
    this.#within = within
  }

  /** Returns once it is ready to be asked. */
  async start(): Promise<void> {
    const [program = '', ...args] = [...this.#within, process.execPath, runJs, 'serve', '-c', this.#config]
    const child = spawn(program, args, {env: {PATH: process.env.PATH}, stdio: ['ignore', 'pipe', 'pipe']})
    this.#running = watched(child, 2 ** 30)
    await this.#running.sees(/https?:\/\/127\.0\.0\.1:\d+/)
  }

  /** Every router has what the daemon wants of it. */
  async isInStep(): Promise<boolean> {
    const answer = await getUnix(join(dirname(this.#config), 'run.sock'), '/v1/snapshot', 2_000)
    if (typeof answer === 'string') return false
    const {actuators} = JSON.parse(answer.body) as WireSnapshot
    return Object.values(actuators).every(({status}) => status === 'in-sync')
  }

  /** `SIGSTOP` and `SIGCONT`: it is silent in between. */
  signal(signal: NodeJS.Signals): void {
    this.#running?.child.kill(signal)
  }

  /** What it has logged since its last start, the latest last. */
  log(): string {
    return this.#running?.output() ?? ''
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const running = this.#running
    this.#running = null
    running?.child.kill(signal)
    await running?.ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill('SIGTERM')
  }
}

/**
 * HAProxy in master-worker mode on one file, to be reloaded, and restarted: then every session
 * ends.
 */
export class Router implements AsyncDisposable {
  readonly #folder: string
  readonly #within: readonly string[]
  #master: ChildProcess | null = null

  constructor(folder: string, config: string, within: readonly string[]) {
    this.#folder = folder
    this.#within = within
    writeFileSync(join(folder, 'haproxy.cfg'), config)
  }

  start(): void {
    const haproxy = ['/usr/sbin/haproxy', '-W', '-S', join(this.#folder, 'master.sock')]
    const [program = '', ...args] = [...this.#within, ...haproxy, '-f', join(this.#folder, 'haproxy.cfg')]
    this.#master = spawn(program, args, {stdio: 'ignore', env: {PATH: process.env.PATH}})
  }

  reload(): void {
    this.#master?.kill('SIGUSR2')
  }

  async restart(): Promise<void> {
    await this[Symbol.asyncDispose]()
    this.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const master = this.#master
    this.#master = null
    if (master === null || master.exitCode !== null) return
    const gone = once(master, 'exit')
    master.kill('SIGTERM')
    await gone
  }
}

/** The servers that writes went to, at one look: by the address that HAProxy has. */
export type Look = Readonly<{at: number; up: readonly string[]}>

/** HAProxy's `srv_admin_state`: in maintenance or drained, for whatever reason. */
const adminMask = 0x7b

/** Looks at the servers of `pg_write` all the time. Without an answer there is nothing to be seen. */
export class Watch implements AsyncDisposable {
  /** One entry per change. */
  readonly changes: Look[] = []
  /**
   * Servers that lack what was acknowledged, by name, and since when: no look that was begun later
   * may find one of them up.
   */
  readonly behind = new Map<string, number>()
  /**
   * No daemon runs, or the new one has not told HAProxy anything yet: HAProxy keeps what it was told
   * last, for the ten seconds of its health check.
   */
  isUntold = false
  looks = 0
  twoUp = 0
  routedBehind = 0
  untoldBehind = 0
  readonly #socket: string
  readonly #names: ReadonlyMap<string, string>
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>

  /** `names`: of the servers, by address. */
  constructor(socket: string, names: ReadonlyMap<string, string>) {
    this.#socket = socket
    this.#names = names
    this.#ended = this.#run()
  }

  get up(): readonly string[] {
    return this.changes.at(-1)?.up ?? []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const askedAt = performance.now()
      const text = await ask(this.#socket, 'show servers state pg_write')
      if (text !== '') this.#look(text, askedAt)
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  }

  #look(text: string, askedAt: number): void {
    const up = [...text.matchAll(/^\d+ pg_write \d+ \S+ (\S+) (\d+) (\d+) /gm)]
      .filter(([, , state, admin]) => /^[12]$/.test(state ?? '') && (Number(admin) & adminMask) === 0)
      .map(([, address = '']) => this.#names.get(address) ?? address)
      .sort()
    this.looks += 1
    if (up.length > 1) this.twoUp += 1
    if (up.some((name) => (this.behind.get(name) ?? Number.POSITIVE_INFINITY) < askedAt)) {
      if (this.isUntold) this.untoldBehind += 1
      else this.routedBehind += 1
    }
    if (up.join() !== this.up.join()) this.changes.push({at: performance.now(), up})
  }
}

/** Empty where HAProxy does not answer. */
function ask(socket: string, command: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = ''
    const client = connect(socket, () => client.end(`${command}\n`))
    client.setTimeout(2_000, () => client.destroy())
    client.setEncoding('utf8').on('data', (chunk: string) => {
      heard += chunk
    })
    client.on('error', () => {}).once('close', () => resolve(heard))
  })
}
