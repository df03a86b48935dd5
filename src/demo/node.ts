import {type ChildProcess, spawn} from 'node:child_process'
import {closeSync, existsSync, openSync, readFileSync} from 'node:fs'
import {appendFile, chown, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import pg from 'pg'
import type {Account} from './account.ts'
import type {Binaries} from './binaries.ts'
import {cloneData} from './clone.ts'
import {childrenOf, isAlive, signalAll} from './processes.ts'

export type NodeSettings = Readonly<{
  name: string
  /** Holds this node's data directory, log and unix socket. */
  folder: string
  port: number
  binaries: Binaries
  account: Account | null
  /** Lines for postgresql.conf and pg_hba.conf. */
  conf: readonly string[]
  hba: readonly string[]
}>

const settleMs = 10

/** One real PostgreSQL server that can be treated badly. Every method waits until what it asked for is so. */
export class PgNode {
  readonly settings: NodeSettings
  readonly data: string
  #postmaster: ChildProcess | null = null
  #exited: Promise<void> = Promise.resolve()
  #stopped: readonly number[] = []

  constructor(settings: NodeSettings) {
    this.settings = settings
    this.data = join(settings.folder, settings.name)
  }

  get name(): string {
    return this.settings.name
  }

  get port(): number {
    return this.settings.port
  }

  get pid(): number | null {
    return this.#postmaster?.pid ?? null
  }

  get isRunning(): boolean {
    return this.#postmaster !== null
  }

  /** All that the server has said. */
  get log(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, 'utf8') : ''
  }

  get #logPath(): string {
    return `${this.data}.log`
  }

  /** A new, empty cluster. */
  async init(): Promise<void> {
    const arguments_ = ['-D', this.data, '-U', 'postgres', '-A', 'trust', '-N', '--no-instructions', '--locale=C', '-E', 'UTF8']
    const child = spawn(join(this.settings.binaries, 'initdb'), arguments_, {
      ...this.settings.account,
      cwd: this.settings.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const complaint: Buffer[] = []
    child.stderr?.on('data', (chunk) => complaint.push(chunk))
    const code = await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject))
    if (code !== 0) throw new Error(`initdb ended with ${code}: ${Buffer.concat(complaint)}`)
    await this.#configure()
  }

  /** Takes over the data of a running server and becomes its standby at the next start. */
  async cloneFrom(source: PgNode): Promise<void> {
    await this.kill()
    await rm(this.data, {recursive: true, force: true})
    await cloneData(source, this.data)
    await this.#configure()
    await this.follow(source)
    await this.#write('standby.signal', '')
  }

  /** Streams from `source` from the next start on; at once when it runs. */
  async follow(source: PgNode): Promise<void> {
    const conninfo = `host=127.0.0.1 port=${source.port} user=postgres application_name=${this.name}`
    if (this.isRunning) {
      await this.sql(`alter system set primary_conninfo = '${conninfo}'`)
      await this.sql('select pg_reload_conf()')
    } else await appendFile(join(this.data, 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`)
  }

  async start(): Promise<void> {
    if (this.isRunning) return
    const log = openSync(this.#logPath, 'a')
    const child = spawn(join(this.settings.binaries, 'postgres'), ['-D', this.data], {
      ...this.settings.account,
      cwd: this.settings.folder,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#postmaster = child
    this.#exited = new Promise((resolve) => {
      const gone = () => {
        if (this.#postmaster === child) this.#postmaster = null
        resolve()
      }
      child.once('exit', gone).once('error', gone)
    })
    // pg_ctl's way: what the postmaster writes of itself, so that the log holds no line that nobody asked for.
    const state = () => (existsSync(join(this.data, 'postmaster.pid')) ? readFileSync(join(this.data, 'postmaster.pid'), 'utf8') : '')
    await until(() => !this.isRunning || (state().startsWith(`${child.pid}\n`) && /^(ready|standby) *$/m.test(state())))
    if (!this.isRunning) throw new Error(`${this.name} did not start: ${this.log.slice(-1000)}`)
  }

  /** `fast` ends sessions, `smart` waits for them, `immediate` is a crash by request. */
  async stop(mode: 'smart' | 'fast' | 'immediate' = 'fast'): Promise<void> {
    this.beginStop(mode)
    await this.#exited
  }

  beginStop(mode: 'smart' | 'fast' | 'immediate'): void {
    const signals = {smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT'} as const
    this.#postmaster?.kill(signals[mode])
  }

  /** `kill -9` of the postmaster; its children notice, and go. */
  async kill(): Promise<void> {
    const pids = this.pids()
    this.thaw()
    this.#postmaster?.kill('SIGKILL')
    await this.#exited
    await until(() => !pids.some(isAlive))
  }

  /** Stops every process: a dead machine that still holds its sockets. */
  hang(): void {
    this.#freeze(this.pids())
  }

  /** Stops the postmaster alone: sessions go on, nobody new gets in. */
  hangPostmaster(): void {
    this.#freeze(this.pid === null ? [] : [this.pid])
  }

  thaw(): void {
    signalAll([...this.#stopped].reverse(), 'SIGCONT')
    this.#stopped = []
  }

  get isHung(): boolean {
    return this.#stopped.length > 0
  }

  /** Returns when the server says that it is a primary. */
  async promote(): Promise<void> {
    await this.sql('select pg_promote(true, 60)')
  }

  /** The postmaster and all that it started. */
  pids(): readonly number[] {
    return this.pid === null ? [] : [this.pid, ...childrenOf(this.pid)]
  }

  /** Runs one statement as superuser, over the unix socket. */
  // biome-ignore lint/suspicious/noExplicitAny: rows are what the statement makes them
  async sql(text: string, values: readonly unknown[] = []): Promise<any[]> {
    const client = new pg.Client({host: this.settings.folder, port: this.port, user: 'postgres', database: 'postgres'})
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query(text, [...values])).rows
    } finally {
      await client.end()
    }
  }

  #freeze(pids: readonly number[]): void {
    this.#stopped = pids
    signalAll(pids, 'SIGSTOP')
  }

  async #configure(): Promise<void> {
    const {name, port, folder, conf, hba} = this.settings
    const lines = [
      `port = ${port}`,
      "listen_addresses = '127.0.0.1'",
      `unix_socket_directories = '${folder}'`,
      `cluster_name = '${name}'`,
      'fsync = off',
      'shared_buffers = 16MB',
      'max_connections = 50',
      'wal_keep_size = 64MB',
      'wal_log_hints = on',
      "recovery_target_timeline = 'latest'",
      // A standby looks for its primary again after so long: a demo should not wait five seconds.
      'wal_retrieve_retry_interval = 200ms',
      ...conf,
    ]
    await this.#write('postgresql.conf', `${lines.join('\n')}\n`)
    const own = [
      'local all all trust',
      'local replication all trust',
      'host replication postgres 127.0.0.1/32 trust',
      'host all postgres 127.0.0.1/32 trust',
    ]
    await this.#write('pg_hba.conf', `${[...hba, ...own].join('\n')}\n`)
  }

  async #write(file: string, text: string): Promise<void> {
    const path = join(this.data, file)
    await writeFile(path, text, {mode: 0o600})
    const {account} = this.settings
    if (account) await chown(path, account.uid, account.gid)
  }
}

/** Polls: PostgreSQL announces these things in files and process tables, which send no events. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, settleMs))
}
