import {type ChildProcess, spawn} from 'node:child_process'
import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {debian} from './cluster.ts'

export type PgbenchOptions = Readonly<{
  port: number
  database: string
  clients: number
  password?: string
  /** A new connection for each transaction. */
  isReconnecting?: boolean
  /** Transactions a second, of all clients. */
  rate: number
  statement: string
}>

/** One transaction: when it ended (epoch milliseconds), and how long it took, its wait included. */
export type Transaction = Readonly<{client: number; endedAt: number; ms: number}>
export type PgbenchEnd = Readonly<{transactions: readonly Transaction[]; errors: readonly string[]}>

/** PostgreSQL's own pgbench, with a log of each transaction. A client that sees an error ends. */
export class Pgbench implements AsyncDisposable {
  readonly #folder: string
  readonly #child: ChildProcess
  readonly #gone: Promise<void>
  #said = ''

  private constructor(folder: string, child: ChildProcess) {
    this.#folder = folder
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text
    })
    this.#gone = new Promise((resolve) => child.once('close', () => resolve()))
  }

  static async start(options: PgbenchOptions): Promise<Pgbench> {
    const {port, database, clients, password = '', isReconnecting = false, rate, statement} = options
    const folder = await mkdtemp(join(tmpdir(), 'pgroute66-pgbench-'))
    await writeFile(join(folder, 'script.sql'), `${statement};\n`)
    const args = [
      ...['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-n', '-M', 'simple', '-T', '86400'],
      ...[
        '-c',
        String(clients),
        '-j',
        isReconnecting ? String(clients) : '1',
        '-R',
        String(rate),
        '-l',
        '--log-prefix',
        join(folder, 'log'),
      ],
      ...(isReconnecting ? ['-C'] : []),
      ...['-f', join(folder, 'script.sql'), database],
    ]
    const env = {PATH: process.env.PATH, PGPASSWORD: password, PGSSLMODE: 'disable'}
    return new Pgbench(folder, spawn(join(debian, 'pgbench'), args, {env, stdio: ['ignore', 'ignore', 'pipe']}))
  }

  /** What pgbench has complained about so far. */
  get errors(): readonly string[] {
    return this.#said.split('\n').filter((line) => /error|abort|fail|could not/i.test(line))
  }

  /** Those that have ended so far; pgbench writes its log in blocks. */
  async transactions(): Promise<readonly Transaction[]> {
    const names = (await readdir(this.#folder)).filter((name) => name.startsWith('log'))
    const texts = await Promise.all(names.map((name) => readFile(join(this.#folder, name), 'utf8')))
    return texts.flatMap((text) => text.split('\n').flatMap(transactionOf))
  }

  /** Ends it, and with it the last block of its log. */
  async end(): Promise<PgbenchEnd> {
    const {errors} = this
    this.#child.kill('SIGINT')
    await this.#gone
    return {transactions: await this.transactions(), errors}
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#gone
    await rm(this.#folder, {recursive: true, force: true})
  }
}

/** `client transaction latency script seconds microseconds …` (manual of pgbench, "Per-Transaction Logging"). */
function transactionOf(line: string): readonly Transaction[] {
  const [client, , latency, , seconds, microseconds] = line.split(' ')
  if (microseconds === undefined || !/^\d+$/.test(latency ?? '')) return []
  return [
    {
      client: Number(client),
      endedAt: Number(seconds) * 1_000 + Number(microseconds) / 1_000,
      ms: Number(latency) / 1_000,
    },
  ]
}
