import {type ChildProcess, spawn} from 'node:child_process'
import {chmod, chown, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import pg from 'pg'
import type {ConnectionSettings} from '../../src/core/settings.ts'
import {freePorts} from '../../src/demo/free-ports.ts'
import {postgresAccount} from '../../src/demo/os-account.ts'
import {until} from '../../src/demo/wait-until.ts'
import {hostSettings} from './settings.ts'

export type PgbouncerOptions = Readonly<{
  /** Lines of `[pgbouncer]`. */
  settings?: readonly string[]
  /** A line of `[databases]` after the include. */
  after?: string
  /** pgbouncer.ini does not name the include file. */
  isWithoutInclude?: boolean
  /** Another PgBouncer whose port and include file this one shares: then it needs so_reuseport. */
  beside?: Pick<Pgbouncer, 'port' | 'include'>
  /** The include file of another PgBouncer. */
  include?: string
  /** `admin`, `ask` and `connect` use the unix socket, in a folder of this process alone. */
  isOnSocket?: boolean
}>

export interface Pgbouncer extends AsyncDisposable {
  readonly folder: string
  readonly port: number
  /** The file that an actuator writes; it exists and is empty. */
  readonly include: string
  /** How to reach the console. */
  readonly admin: ConnectionSettings
  /** One command on a console of its own. */
  ask(command: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** An application's connection. */
  connect(database: string): Promise<pg.Client>
  /** Where a database leads, and whether it is paused: `127.0.0.1:5432 paused`. */
  leads(database: string): Promise<string>
  start(): Promise<void>
  /** At once, by SIGKILL: all clients lose their connection. */
  stop(): Promise<void>
  /** All that PgBouncer has written to stdout and stderr. */
  readonly output: string
}

export const pgbouncerPassword = 'secret'

type Account = ReturnType<typeof postgresAccount>
type Files = Readonly<{ini: string; include: string; users: string}>

/** pgbouncer.ini, the users and an empty include file, readable by `account`. */
async function writeFiles(folder: string, port: number, account: Account, options: PgbouncerOptions): Promise<Files> {
  const {settings = [], after, isWithoutInclude = false, include, isOnSocket = false} = options
  const own = async (path: string) => (account ? await chown(path, account.uid, account.gid) : undefined)
  await chmod(folder, 0o755)
  await own(folder)
  const files: Files = {
    ini: join(folder, 'pgbouncer.ini'),
    include: include ?? join(folder, 'pgroute66.ini'),
    users: join(folder, 'users.txt'),
  }
  await writeFile(files.users, `"postgres" "${pgbouncerPassword}"\n`)
  if (include === undefined) {
    await writeFile(files.include, '', {mode: 0o640})
    await own(files.include)
  }
  const lines = [
    '[databases]',
    ...(isWithoutInclude ? [] : [`%include ${files.include}`]),
    ...(after === undefined ? [] : [after]),
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    `unix_socket_dir = ${isOnSocket ? folder : ''}`,
    'auth_type = scram-sha-256',
    `auth_file = ${files.users}`,
    'admin_users = postgres',
    'pool_mode = transaction',
    'server_login_retry = 0.2',
    'ignore_startup_parameters = extra_float_digits',
    ...settings,
  ]
  await writeFile(files.ini, `${lines.join('\n')}\n`)
  return files
}

async function connectTo(host: string, port: number, database: string): Promise<pg.Client> {
  const client = new pg.Client({
    host,
    port,
    user: 'postgres',
    password: pgbouncerPassword,
    database,
    ssl: false,
  })
  client.on('error', () => {})
  await client.connect()
  return client
}

async function askConsole(host: string, port: number, command: string): Promise<Awaited<ReturnType<Pgbouncer['ask']>>> {
  const client = await connectTo(host, port, 'pgbouncer')
  try {
    return (await client.query(command)).rows ?? []
  } finally {
    await client.end()
  }
}

type Running = Readonly<{child: ChildProcess; gone: Promise<void>}>

/** Resolves when PgBouncer listens; throws when it exits before. `output` receives all its lines. */
async function launch(ini: string, cwd: string, account: Account, output: string[]): Promise<Running> {
  const child = spawn('/usr/sbin/pgbouncer', [ini], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {PATH: process.env.PATH, TZ: 'UTC'},
    cwd,
    ...account,
  })
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(String(chunk)))
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const ended = gone.then(() => {
    throw new Error(`PgBouncer ended: ${output.join('')}`)
  })
  ended.catch(() => {})
  try {
    await Promise.race([until(() => /process up|listening on 127/.test(output.join(''))), ended])
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return {child, gone}
}

/**
 * Starts a real PgBouncer that accepts `postgres`, by password, as client and as administrator.
 * PgBouncer refuses to run as root: then it runs as PostgreSQL's account.
 */
export async function startPgbouncer(options: PgbouncerOptions = {}): Promise<Pgbouncer> {
  const account = postgresAccount()
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-pgbouncer-'))
  const free = await freePorts(1)
  const port = options.beside?.port ?? free.ports[0] ?? 0
  const host = options.isOnSocket ? folder : '127.0.0.1'
  const {ini, include} = await writeFiles(folder, port, account, {
    ...(options.beside && {include: options.beside.include}),
    ...options,
  })
  const output: string[] = []
  let running: Running | null = null
  const address = {host, port, user: 'postgres', dbname: 'pgbouncer', sslmode: 'disable'} as const
  const ask = (command: string) => askConsole(host, port, command)
  const pgbouncer: Pgbouncer = {
    folder,
    port,
    include,
    admin: {...hostSettings('pgbouncer', address).connection, password: {from: 'config', text: pgbouncerPassword}},
    ask,
    connect: (database) => connectTo(host, port, database),
    async leads(database) {
      const row = (await ask('SHOW DATABASES')).find(({name}) => name === database)
      return row === undefined ? 'not there' : `${row.host}:${row.port}${row.paused === 0 ? '' : ' paused'}`
    },
    async start() {
      running = await launch(ini, folder, account, output)
    },
    async stop() {
      running?.child.kill('SIGKILL')
      await running?.gone
      running = null
      output.length = 0
    },
    get output() {
      return output.join('')
    },
    async [Symbol.asyncDispose]() {
      await pgbouncer.stop()
      await free[Symbol.asyncDispose]()
      await rm(folder, {recursive: true, force: true})
    },
  }
  try {
    await pgbouncer.start()
  } catch (error) {
    await pgbouncer[Symbol.asyncDispose]()
    throw error
  }
  return pgbouncer
}
