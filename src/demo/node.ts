import {existsSync, readFileSync} from 'node:fs'
import {appendFile, chown, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import pg from 'pg'
import {cloneData, rewindData} from './clone.ts'
import {hbaConf, type NodeSettings, postgresqlConf} from './node-conf.ts'
import {Postmaster, type StopMode} from './postmaster.ts'
import {dropSharedMemory} from './postmaster-file.ts'
import {hasProgram, runProgram} from './program.ts'

/** A statement that takes longer does not return: the server hangs. */
const statementMs = 70_000
const promotionSeconds = 60

/**
 * One real PostgreSQL server that tests and the demo can break. Every method waits until its effect
 * is there, and rejects when the effect does not come.
 */
export class PgNode {
  readonly settings: NodeSettings
  readonly data: string
  #run: Postmaster | null = null

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
    return this.#run?.pid ?? null
  }

  get isRunning(): boolean {
    return this.#run !== null
  }

  get isHung(): boolean {
    return this.#run?.isFrozen ?? false
  }

  /** The whole log of the server. */
  get log(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, 'utf8') : ''
  }

  get logLines(): readonly string[] {
    return this.log.split('\n').filter(Boolean)
  }

  get #logPath(): string {
    return `${this.data}.log`
  }

  /** A new, empty cluster. */
  async init(): Promise<void> {
    const {binaries, account, folder} = this.settings
    const args = ['-D', this.data, '-U', 'postgres', '-A', 'trust', '-N', '--locale=C', '-E', 'UTF8']
    await runProgram(join(binaries, 'initdb'), args, account, folder)
    await this.#configure()
  }

  /**
   * Replaces the data by a copy of the data of `source`, a running server. The node is its standby
   * from the next start on.
   */
  async cloneFrom(source: PgNode): Promise<void> {
    await this.kill()
    dropSharedMemory(this.data)
    await rm(this.data, {recursive: true, force: true})
    await cloneData(source, this.data)
    await this.#becomeStandbyOf(source)
  }

  /**
   * Keeps the data up to the fork and is a standby of `source` from the next start on: with
   * pg_rewind where that is installed, else as a new copy.
   */
  async rewindTo(source: PgNode): Promise<void> {
    if (!hasProgram(this.settings.binaries, 'pg_rewind')) return await this.cloneFrom(source)
    await this.kill()
    await rewindData(this, source)
    await this.#becomeStandbyOf(source)
  }

  /** Streams from `source`: at once where this node runs, else from the next start on. */
  async follow(source: PgNode): Promise<void> {
    const {address} = source.settings.place
    const conninfo = `host=${address} port=${source.port} user=postgres application_name=${this.name}`
    if (this.isRunning) {
      await this.sql(`alter system set primary_conninfo = '${conninfo}'`)
      await this.sql('select pg_reload_conf()')
    } else await appendFile(join(this.data, 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`)
  }

  async start(): Promise<void> {
    if (this.#run) return
    const {binaries, account, place} = this.settings
    const program = {binaries, data: this.data, logPath: this.#logPath, account, within: place.within}
    const run = Postmaster.spawn(program, () => {
      if (this.#run === run) this.#run = null
    })
    this.#run = run
    if (!(await run.isReady())) throw new Error(`${this.name} did not start: ${this.log.slice(-1000)}`)
  }

  async stop(mode: StopMode = 'fast'): Promise<void> {
    this.beginStop(mode)
    await this.#run?.exited
  }

  /** Asks the server to stop and does not wait. `smart` lasts as long as any session. */
  beginStop(mode: StopMode): void {
    this.#run?.stop(mode)
  }

  async restart(mode: StopMode = 'fast'): Promise<void> {
    await this.stop(mode)
    await this.start()
  }

  /**
   * A crash: `kill -9` of the postmaster. Resolves when all of its processes have ended, frozen ones
   * included.
   */
  async kill(): Promise<void> {
    await this.#run?.kill()
  }

  /** Stops every process, like a dead machine whose sockets stay open. */
  hang(): void {
    this.#run?.freeze()
  }

  /** Stops only the postmaster: open sessions go on, new ones are not accepted. */
  hangPostmaster(): void {
    this.#run?.freezePostmaster()
  }

  thaw(): void {
    this.#run?.thaw()
  }

  /** Resolves when the server reports that it is a primary. */
  async promote(): Promise<void> {
    const [row] = await this.sql(`select pg_promote(true, ${promotionSeconds}) as is_primary`)
    if (row?.is_primary !== true)
      throw new Error(`${this.name} is not a primary ${promotionSeconds} s after its promotion`)
  }

  /** The postmaster and its children. */
  pids(): readonly number[] {
    return this.#run?.pids() ?? []
  }

  /** A superuser's session over the unix socket. */
  async connect(database = 'postgres'): Promise<pg.Client & AsyncDisposable> {
    const client = new pg.Client({
      host: this.settings.sockets,
      port: this.port,
      user: 'postgres',
      database,
      ssl: false,
      connectionTimeoutMillis: 10_000,
      query_timeout: statementMs,
    })
    // Without a listener, a server that dies during a session would end this process.
    client.on('error', () => {})
    await client.connect()
    return Object.assign(client, {[Symbol.asyncDispose]: () => client.end()})
  }

  /** Runs one statement as superuser. */
  // biome-ignore lint/suspicious/noExplicitAny: rows are what the statement makes them
  async sql(text: string, values: readonly unknown[] = []): Promise<any[]> {
    await using client = await this.connect()
    return (await client.query(text, [...values])).rows
  }

  async #becomeStandbyOf(source: PgNode): Promise<void> {
    await this.#configure()
    await this.follow(source)
    await this.#write('standby.signal', '')
  }

  async #configure(): Promise<void> {
    await this.#write('postgresql.conf', postgresqlConf(this.settings))
    await this.#write('pg_hba.conf', hbaConf(this.settings))
  }

  async #write(file: string, text: string): Promise<void> {
    const path = join(this.data, file)
    await writeFile(path, text, {mode: 0o600})
    const {account} = this.settings
    if (account) await chown(path, account.uid, account.gid)
  }
}
