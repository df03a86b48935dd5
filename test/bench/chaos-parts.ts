import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {writeFileSync} from 'node:fs'
import {connect} from 'node:net'
import {join} from 'node:path'
import {type Started, start} from '../support/run.ts'

/** `serve` on one configuration, to be killed and started again. */
export class Serve implements AsyncDisposable {
  readonly #config: string
  #running: Started | null = null

  constructor(config: string) {
    this.#config = config
  }

  /** Returns once it is ready to be asked. */
  async start(): Promise<void> {
    this.#running = start(['serve', '-c', this.#config], {env: {PATH: process.env.PATH ?? ''}, limitMs: 2 ** 30})
    await this.#running.sees(/https?:\/\/127\.0\.0\.1:\d+/)
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const running = this.#running
    this.#running = null
    running?.child.kill(signal)
    await running?.ended
  }

  /** `SIGSTOP` and `SIGCONT`: it is silent in between. */
  signal(signal: NodeJS.Signals): void {
    this.#running?.child.kill(signal)
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
  #master: ChildProcess | null = null

  constructor(folder: string, config: string) {
    this.#folder = folder
    writeFileSync(join(folder, 'haproxy.cfg'), config)
  }

  start(): void {
    const args = ['-W', '-S', join(this.#folder, 'master.sock'), '-f', join(this.#folder, 'haproxy.cfg')]
    this.#master = spawn('/usr/sbin/haproxy', args, {stdio: 'ignore', env: {}})
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

/** The write servers that were up, at one look. */
export type Look = Readonly<{at: number; up: readonly string[]}>

/**
 * Looks at the servers of `pg_write` all the time; where nobody answers, there is nothing to be
 * seen.
 */
export class Watch implements AsyncDisposable {
  /** One entry per change. */
  readonly changes: Look[] = []
  looks = 0
  twoUp = 0
  readonly #socket: string
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>

  constructor(socket: string) {
    this.#socket = socket
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
      const text = await ask(this.#socket, 'show stat -1 4 -1')
      const at = performance.now()
      const up = [...text.matchAll(/^pg_write,(host\d),(?:[^,]*,){15}(?:UP|no check)/gm)]
        .map(([, name]) => name ?? '')
        .sort()
      if (text !== '') {
        this.looks += 1
        if (up.length > 1) this.twoUp += 1
        if (up.join() !== this.up.join()) this.changes.push({at, up})
      }
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  }
}

/** '' where nobody answers. */
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
