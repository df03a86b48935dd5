import {execFileSync, type SpawnOptions, spawn} from 'node:child_process'
import {
  appendFileSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll} from 'vitest'
import {isFailure} from '../../src/core/ports.ts'
import type {ConnectionSettings, ProbeSettings} from '../../src/core/settings.ts'
import {pgDriver} from '../../src/sources/pg/driver.ts'
import {systemClock} from '../../src/system/clock.ts'
import {rareKeywords} from '../support/settings.ts'
import {type ServerLog, serverLog} from './pg-log.ts'
import {until} from './pg-until.ts'

export {until} from './pg-until.ts'

/**
 * A throw-away PostgreSQL for the tests of its driver: the smallest thing that can be frozen,
 * killed and made to log.
 */

export const debian = '/usr/lib/postgresql/15/bin'
export const hasDebian = existsSync(join(debian, 'postgres'))

/** PostgreSQL refuses to run as root. */
const account: Pick<SpawnOptions, 'uid' | 'gid'> =
  process.getuid?.() === 0
    ? {uid: Number(execFileSync('id', ['-u', 'postgres'])), gid: Number(execFileSync('id', ['-g', 'postgres']))}
    : {}

/**
 * Last in, first out, once per test file - also when a test or a preparation failed. (A worker of
 * vitest ends without an 'exit' event.)
 */
export const cleanUps: (() => void)[] = []
afterAll(() => {
  for (const clean of cleanUps.splice(0).reverse()) clean()
})

export const clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: systemClock.after,
}
/**
 * Time limits that end a hang and nothing else: a busy machine must not turn a test red. Tests
 * about limits pass their own.
 */
const probe: ProbeSettings = {
  intervalMs: 1000,
  fastIntervalMs: 100,
  timeoutMs: 10_000,
  connectTimeoutMs: 30_000,
  maxAgeMs: 30_000,
  knockIntervalMs: 5000,
  loggedKnockIntervalMs: 10_000,
  pingIntervalMs: 200,
  fastPingIntervalMs: 20,
  pingTimeoutMs: 10_000,
}
const availability = {intervalMs: 1000, table: 'public.pgr66_avc', limitMs: 10_000}

export const connection = (change: Partial<ConnectionSettings> = {}): ConnectionSettings => ({
  host: '127.0.0.1',
  hostaddr: null,
  port: 5432,
  user: 'postgres',
  password: {from: 'none'},
  dbname: 'postgres',
  sslmode: 'disable',
  sslrootcert: null,
  sslcert: null,
  sslkey: null,
  sslcrl: null,
  ...rareKeywords,
  sslsni: true,
  applicationName: 'pgroute66',
  options: null,
  ...change,
})

export const driverFor = (
  change: Partial<ConnectionSettings>,
  limits: Partial<ProbeSettings> = {},
  warn = (_: string) => {},
) =>
  pgDriver({
    warn,
    host: {name: 'host1', aliases: [], location: null, delayed: null, connection: connection(change)},
    probe: {...probe, ...limits},
    availability,
    clock,
  })

/** Without `ms`: a limit that ends a hang, and measures no speed. */
export const within = (ms = 30_000): AbortSignal => AbortSignal.timeout(ms)

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as {port: number}
  await new Promise((resolve) => server.close(resolve))
  return port
}

export const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'pgroute66-'))
  if (account.uid !== undefined) chownSync(made, account.uid, account.gid as number)
  cleanUps.push(() => rmSync(made, {recursive: true, force: true}))
  return made
}

/** Gives a file to the account that PostgreSQL runs under. */
export function writeOwned(path: string, text: string | Buffer): void {
  writeFileSync(path, text, {mode: 0o600})
  if (account.uid !== undefined) chownSync(path, account.uid, account.gid as number)
}

/** Runs as PostgreSQL's account. */
export const runOwned = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, {...account, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], cwd: tmpdir()})

export function spawnOwned(command: string, args: readonly string[]) {
  return spawn(command, args, {...account, stdio: 'ignore', cwd: tmpdir()})
}

export interface Server extends ServerLog {
  readonly port: number
  readonly dir: string
  readonly pid: number
  start(): Promise<void>
  sql(text: string, dbname?: string): string
  hba(...lines: string[]): void
  /** The postmaster and every process below it. */
  pids(): number[]
  signal(name: NodeJS.Signals, pids?: readonly number[]): void
  /** Resolves when the postmaster is gone. */
  readonly gone: Promise<unknown>
  destroy(): void
}

type Prepared = Readonly<{
  bin: string
  dir: string
  data: string
  port: number
  make?: ((data: string) => void) | undefined
}>

function prepare({bin, dir, data, port, make}: Prepared): void {
  if (make) make(data)
  else
    runOwned(join(bin, 'initdb'), [
      ...['-D', data, '-U', 'postgres', '-A', 'trust', '-N'],
      ...['--no-instructions', '--locale=C', '-E', 'UTF8'],
    ])
  appendFileSync(
    join(data, 'postgresql.conf'),
    [
      '',
      `port = ${port}`,
      `unix_socket_directories = '${dir}'`,
      "listen_addresses = '127.0.0.1'",
      'fsync = off',
      'log_min_messages = warning',
      'logging_collector = on',
      `log_directory = '${dir}'`,
      "log_filename = 'log'",
      'max_connections = 20',
      "cluster_name = 'test'",
      '',
    ].join('\n'),
  )
}

/** `make` fills the data directory; default: initdb. */
export async function startServer(bin = debian, make?: (data: string) => void): Promise<Server> {
  const dir = directory()
  const data = join(dir, 'data')
  const port = await freePort()
  prepare({bin, dir, data, port, make})
  const driver = driverFor({host: dir, port})
  const sql = (text: string, dbname = 'postgres') =>
    execFileSync('psql', ['-X', '-h', dir, '-p', String(port), '-U', 'postgres', '-d', dbname, '-Atc', text], {
      encoding: 'utf8',
      timeout: 50_000,
    }).trim()
  const server = {
    port,
    dir,
    pid: 0,
    gone: Promise.resolve() as Promise<unknown>,
    sql,
    ...serverLog(join(dir, 'log'), sql),
  }
  const started: Server = Object.assign(server, {
    async start() {
      const child = spawn(join(bin, 'postgres'), ['-D', data], {...account, stdio: 'ignore', cwd: dir})
      server.pid = child.pid as number
      server.gone = new Promise((resolve) => child.once('exit', resolve))
      // As pg_ctl does it: asking too early would leave lines in the log that no test asked for.
      await until(
        () => (existsSync(join(data, 'postmaster.pid')) ? readFileSync(join(data, 'postmaster.pid'), 'utf8') : ''),
        (text) => /^(ready|standby) *$/m.test(text),
      )
      const session = await until(
        () => driver.open(within()),
        (opened) => !isFailure(opened),
      )
      if (!isFailure(session)) session.close()
    },
    hba(...lines: string[]) {
      writeOwned(join(data, 'pg_hba.conf'), `local all all trust\nlocal replication all trust\n${lines.join('\n')}\n`)
      sql('select pg_reload_conf()')
    },
    pids: () => [server.pid, ...childrenOf(server.pid)],
    signal(name: NodeJS.Signals, pids?: readonly number[]) {
      for (const pid of pids ?? started.pids())
        try {
          process.kill(pid, name)
        } catch {
          // It ended by itself in the meantime.
        }
    },
    destroy() {
      if (server.pid > 0) started.signal('SIGKILL')
    },
  })
  cleanUps.push(started.destroy)
  await started.start()
  return started
}

/** A streaming standby of `primary`. */
export const startStandby = (primary: Server): Promise<Server> =>
  startServer(debian, (data) =>
    runOwned(join(debian, 'pg_basebackup'), [
      ...['-h', primary.dir, '-p', String(primary.port), '-U', 'postgres'],
      ...['-D', data, '-R', '-c', 'fast'],
    ]),
  )

/** Stops the processes while `run` goes on, and lets them go on also when `run` fails. */
export async function whileFrozen<T>(server: Server, pids: readonly number[], run: () => Promise<T>): Promise<T> {
  server.signal('SIGSTOP', pids)
  try {
    return await run()
  } finally {
    server.signal('SIGCONT', pids)
  }
}

function childrenOf(parent: number): number[] {
  const parentOf = (pid: string) => {
    try {
      // After the name in brackets: state, parent.
      return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1])
    } catch {
      return 0
    }
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === parent)
    .map(Number)
}

export const copyTree = (from: string, to: string): void => cpSync(from, to, {recursive: true, verbatimSymlinks: true})
