import {type ChildProcess, spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {connect} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type HaproxyFileBackend, type HaproxyStyle, haproxyFile} from '../../src/actuators/haproxy/cfg.ts'
import type {ServeEndpoint} from '../../src/actuators/haproxy/daemon-sections.ts'
import {freePorts} from '../../src/demo/free-ports.ts'
import {until} from '../../src/demo/wait-until.ts'

/** `$HAPROXY`: another build, for benches. */
const program = process.env.HAPROXY ?? '/usr/sbin/haproxy'
export const hasHaproxy = existsSync(program)

/**
 * One line of `show servers state` (HAProxy 2.6 management guide, 9.3): the fields by the names in
 * its header.
 */
export type ServerState = Readonly<{be_name: string; srv_name: string; srv_op_state: string; srv_admin_state: string}> &
  Readonly<Record<string, string>>

export interface Haproxy extends AsyncDisposable {
  readonly folder: string
  /** The runtime API's unix socket. */
  readonly socket: string
  /** One command on a connection of its own. */
  ask(command: string): Promise<string>
  /** By the name that the config gives it: `bind 127.0.0.1:{port:write}` → `port('write')`. */
  port(name: string): number
  /** `UP`, `DOWN`, `MAINT` … by `backend/server`. */
  states(): Promise<Readonly<Record<string, string>>>
  serversState(): Promise<readonly ServerState[]>
  /** A new worker with the same file, as `systemctl reload` does it. */
  reload(): Promise<void>
  /** All that HAProxy has written to stdout and stderr. */
  readonly output: string
}

/** The text with `{socket}`, `{folder}` and `{port:NAME}` filled in, and a stats socket in front. */
function filledIn(config: string, folder: string, port: (name: string) => number): string {
  const socket = socketIn(folder)
  const text = config
    .replaceAll('{socket}', socket)
    .replaceAll('{folder}', folder)
    .replace(/\{port:(\w+)\}/g, (_, name) => String(port(name)))
  return `global\n    stats socket ${socket} mode 660 level admin\n${text}`
}

const socketIn = (folder: string) => join(folder, 'admin.sock')

const askOver =
  (socket: string) =>
  (command: string, limitMs = 30_000) =>
    new Promise<string>((resolve, reject) => {
      const received: Buffer[] = []
      const client = connect(socket, () => client.end(`${command}\n`))
      // A worker that is about to exit may accept a connection and never answer it.
      client.setTimeout(limitMs, () => client.destroy(new Error(`HAProxy does not answer "${command}"`)))
      client.on('data', (chunk) => received.push(Buffer.from(chunk)))
      client.once('error', reject).once('close', () => resolve(Buffer.concat(received).toString()))
    })

function statesFrom(csv: string): Readonly<Record<string, string>> {
  const [header = '', ...rows] = csv.split('\n')
  const status = header.split(',').indexOf('status')
  return Object.fromEntries(
    rows
      .filter(Boolean)
      .map((row) => row.split(','))
      .map((cells) => [`${cells[0]}/${cells[1]}`, cells[status] ?? '']),
  )
}

function serversFrom(text: string): readonly ServerState[] {
  const [, header = '', ...rows] = text.split('\n')
  const fields = header.replace(/^# /, '').split(' ')
  return rows.filter(Boolean).map((row) => {
    const cells = row.split(' ')
    return Object.fromEntries(fields.map((field, index) => [field, cells[index] ?? ''])) as ServerState
  })
}

/** `within`: what its command line begins with, such as `nsenter` for a machine of a laboratory. */
type Options = Readonly<{cwd?: string; masterSocket?: boolean; within?: readonly string[]}>

function startMaster(file: string, folder: string, {cwd, masterSocket = false, within = []}: Options): ChildProcess {
  const master = masterSocket ? ['-S', join(folder, 'master.sock')] : []
  const [command = program, ...words] = [...within, program, '-W', '-f', file, ...master]
  return spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {PATH: process.env.PATH},
    ...(cwd === undefined ? {} : {cwd}),
  })
}

/**
 * Starts a real HAProxy in master-worker mode. `config` may name `{socket}`, `{folder}` and free
 * ports (`{port:NAME}`); a stats socket is added.
 */
export async function startHaproxy(config: string, options: Options = {}): Promise<Haproxy> {
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-haproxy-'))
  const file = join(folder, 'haproxy.cfg')
  const names = [...new Set([...config.matchAll(/\{port:(\w+)\}/g)].map(([, name]) => name ?? ''))]
  const free = await freePorts(names.length)
  const port = (name: string) => {
    const found = free.ports[names.indexOf(name)]
    if (found === undefined) throw new Error(`the config names no port ${name}`)
    return found
  }
  await writeFile(file, filledIn(config, folder, port))
  const child = startMaster(file, folder, options)
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(String(chunk)))
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))

  const ask = askOver(socketIn(folder))
  // A short limit: the callers ask again, and then a worker answers that stays.
  const worker = async () => /^Pid: (\d+)/m.exec(await ask('show info', 2_000).catch(() => ''))?.[1]
  const reloads = () => output.join('').split('Reloading HAProxy').length
  const isUp = async () => {
    if (child.exitCode !== null) throw new Error(`HAProxy ended: ${output.join('')}`)
    return (await worker()) !== undefined
  }
  const haproxy: Haproxy = {
    folder,
    socket: socketIn(folder),
    ask,
    port,
    states: async () => statesFrom(await ask('show stat -1 4 -1')),
    serversState: async () => serversFrom(await ask('show servers state')),
    async reload() {
      const before = await worker()
      const begun = reloads()
      // The master loses signals while it starts, and the old worker still answers for a moment.
      const isReloaded = async () => {
        if (reloads() === begun) child.kill('SIGUSR2')
        return output.join('').includes(`(${before}) : Proxy`) && (await isUp()) && (await worker()) !== before
      }
      await until(isReloaded)
    },
    get output() {
      return output.join('')
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 30_000)
      await gone
      clearTimeout(late)
      await free[Symbol.asyncDispose]()
      await rm(folder, {recursive: true, force: true})
    },
  }
  try {
    await until(isUp)
  } catch (error) {
    await haproxy[Symbol.asyncDispose]()
    throw error
  }
  return haproxy
}

/** The generated file with one backend, of writers. `daemon`: where its checks or the agent are. */
export const fileOfWriters = (
  style: HaproxyStyle,
  servers: HaproxyFileBackend['servers'],
  daemon: ServeEndpoint,
): string =>
  haproxyFile({
    style,
    backends: [{name: 'pg_write', role: 'primary', bind: '127.0.0.1:{port:write}', servers, fallback: null}],
    api: daemon,
    agent: daemon,
    socket: '',
    maxLag: null,
  })
