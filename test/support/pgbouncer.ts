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
  /** A line of `[databases]` behind our include. */
  after?: string
  /** pgbouncer.ini does not name our include. */
  isWithoutInclude?: boolean
}>

export interface Pgbouncer extends AsyncDisposable {
  readonly folder: string
  readonly port: number
  /** The file that is an actuator's to write; empty, and there. */
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
  /** At once, with all its clients. */
  stop(): Promise<void>
  /** All that it has written. */
  readonly output: string
}

export const pgbouncerPassword = 'secret'

/**
 * Starts a real PgBouncer that lets `postgres` in, by password, as client and as administrator. It
 * refuses root: then it runs as PostgreSQL's account.
 */
export async function startPgbouncer(options: PgbouncerOptions = {}): Promise<Pgbouncer> {
  const {settings = [], after, isWithoutInclude = false} = options
  const account = postgresAccount()
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-pgbouncer-'))
  const own = async (path: string) => (account ? await chown(path, account.uid, account.gid) : undefined)
  await chmod(folder, 0o755)
  await own(folder)
  const free = await freePorts(1)
  const port = free.ports[0] ?? 0
  const [ini, include, users] = ['pgbouncer.ini', 'pgroute66.ini', 'users.txt'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(users, `"postgres" "${pgbouncerPassword}"\n`)
  await writeFile(include, '', {mode: 0o640})
  await own(include)
  const lines = [
    '[databases]',
    ...(isWithoutInclude ? [] : [`%include ${include}`]),
    ...(after === undefined ? [] : [after]),
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = scram-sha-256',
    `auth_file = ${users}`,
    'admin_users = postgres',
    'pool_mode = transaction',
    'server_login_retry = 0.2',
    'ignore_startup_parameters = extra_float_digits',
    ...settings,
  ]
  await writeFile(ini, `${lines.join('\n')}\n`)

  const output: string[] = []
  let running: Readonly<{child: ChildProcess; gone: Promise<void>}> | null = null
  const admin: ConnectionSettings = {
    ...hostSettings('pgbouncer', {host: '127.0.0.1', port, user: 'postgres', dbname: 'pgbouncer', sslmode: 'disable'})
      .connection,
    password: {from: 'config', text: pgbouncerPassword},
  }
  const connect = async (database: string) => {
    const client = new pg.Client({
      host: '127.0.0.1',
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
  const ask = async (command: string) => {
    const client = await connect('pgbouncer')
    try {
      return (await client.query(command)).rows ?? []
    } finally {
      await client.end()
    }
  }
  const pgbouncer: Pgbouncer = {
    folder,
    port,
    include,
    admin,
    ask,
    connect,
    async leads(database) {
      const row = (await ask('SHOW DATABASES')).find(({name}) => name === database)
      return row === undefined ? 'not there' : `${row.host}:${row.port}${row.paused === 0 ? '' : ' paused'}`
    },
    async start() {
      const child = spawn('/usr/sbin/pgbouncer', [ini], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {PATH: process.env.PATH, TZ: 'UTC'},
        cwd: folder,
        ...account,
      })
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(String(chunk)))
      running = {child, gone: new Promise((resolve) => child.once('close', () => resolve()))}
      const {gone} = running
      const ended = gone.then(() => {
        throw new Error(`PgBouncer ended: ${output.join('')}`)
      })
      ended.catch(() => {})
      await Promise.race([until(() => /process up|listening on 127/.test(output.join(''))), ended])
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
