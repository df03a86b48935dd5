import {type ChildProcess, spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {connect} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

export const hasHaproxy = existsSync('/usr/sbin/haproxy')

export interface Haproxy extends AsyncDisposable {
  readonly folder: string
  /** The runtime API's unix socket. */
  readonly socket: string
  /** One command on a connection of its own. */
  ask(command: string): Promise<string>
  /** `UP`, `DOWN`, `MAINT` … by `backend/server`. */
  states(): Promise<Readonly<Record<string, string>>>
  /** A new worker with the same file, as `systemctl reload` does it. */
  reload(): Promise<void>
  /** All that HAProxy has written. */
  readonly output: string
}

/** Starts a real HAProxy in master-worker mode. `config` may name `{socket}` and `{folder}`; a stats socket is added. */
export async function startHaproxy(config: string): Promise<Haproxy> {
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-haproxy-'))
  const socket = join(folder, 'admin.sock')
  const file = join(folder, 'haproxy.cfg')
  await writeFile(
    file,
    `global\n    stats socket ${socket} mode 660 level admin\n${config.replaceAll('{socket}', socket).replaceAll('{folder}', folder)}`,
  )
  const child: ChildProcess = spawn('/usr/sbin/haproxy', ['-W', '-f', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {PATH: process.env.PATH},
  })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(String(chunk)))
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))

  const ask = (command: string) =>
    new Promise<string>((resolve, reject) => {
      const heard: Buffer[] = []
      const client = connect(socket, () => client.end(`${command}\n`))
      client.on('data', (chunk) => heard.push(Buffer.from(chunk)))
      client.once('error', reject).once('close', () => resolve(Buffer.concat(heard).toString()))
    })
  const worker = async () => /^Pid: (\d+)/m.exec(await ask('show info').catch(() => ''))?.[1]
  const until = async (isSo: () => Promise<boolean>) => {
    while (!(await isSo())) {
      if (child.exitCode !== null) throw new Error(`HAProxy ended: ${output.join('')}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  const haproxy: Haproxy = {
    folder,
    socket,
    ask,
    async states() {
      const [header = '', ...rows] = (await ask('show stat -1 4 -1')).split('\n')
      const status = header.split(',').indexOf('status')
      return Object.fromEntries(
        rows
          .filter(Boolean)
          .map((row) => row.split(','))
          .map((cells) => [`${cells[0]}/${cells[1]}`, cells[status] ?? '']),
      )
    },
    async reload() {
      const before = await worker()
      child.kill('SIGUSR2')
      await until(async () => ![before, undefined].includes(await worker()))
    },
    get output() {
      return output.join('')
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await gone
      await rm(folder, {recursive: true, force: true})
    },
  }
  try {
    await until(async () => (await worker()) !== undefined)
  } catch (error) {
    await haproxy[Symbol.asyncDispose]()
    throw error
  }
  return haproxy
}
