import {spawn} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {createServer, type Socket} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type HostileKind, hostileKinds} from '../sources/hostile-kinds.ts'
import {secret} from '../sources/hostile-messages.ts'
import {runJs} from './run.ts'

/** Those that a configuration can name: `channel_binding: require` needs TLS, which these servers do not speak. */
export const crowdKinds = hostileKinds.filter(([, , , , change]) => change?.channelBinding === undefined)

export interface Crowd extends AsyncDisposable {
  /** A configuration per kind, and one with all of them. */
  readonly fileOf: (nth: number) => string
  readonly allFile: string
  readonly folder: string
  /** Kinds that were sent the password, in any of the forms in which it could be read. */
  leaked(): readonly string[]
  /** Kinds that were asked nothing. */
  unasked(): readonly string[]
}

/** A server per kind in this process, and the files that name them as hosts with a password. */
export async function hostileCrowd(): Promise<Crowd> {
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-hostile-'))
  const all = await Promise.all(crowdKinds.map(listening))
  const head = ['port: 0', 'password_encoding: plain', 'hosts:', '']
  const write = async (name: string, hosts: readonly string[]) => {
    await writeFile(join(folder, name), [...head.slice(0, -1), ...hosts, ''].join('\n'), {mode: 0o600})
    return join(folder, name)
  }
  const hosts = all.map(({port}, nth) => hostLine(nth, port))
  const files = await Promise.all(hosts.map((line, nth) => write(`one${nth}.yml`, [line])))
  return {
    folder,
    fileOf: (nth) => files[nth] ?? '',
    allFile: await write('all.yml', hosts),
    leaked: () => all.flatMap(({kind, received}) => (holdsSecret(Buffer.concat(received)) ? [kind] : [])),
    unasked: () => all.flatMap(({kind, received}) => (received.length === 0 ? [kind] : [])),
    async [Symbol.asyncDispose]() {
      for (const {close} of all) close()
    },
  }
}

function hostLine(nth: number, port: number): string {
  const [, , , , change] = crowdKinds[nth] as HostileKind
  const auth = change?.requireAuth ? `, require_auth: "${change.requireAuth.text}"` : ''
  const login = `user: app, password: ${secret}, sslmode: ${change?.sslmode ?? 'disable'}${auth}`
  return `  h${nth}: {host: 127.0.0.1, port: ${port}, ${login}}`
}

async function listening([kind, does]: HostileKind) {
  const received: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    let nth = 0
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk)
      does(socket, chunk, nth++)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const {port} = server.address() as {port: number}
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return {kind, port, received, close}
}

const holdsSecret = (sent: Buffer): boolean =>
  sent.includes(secret) || sent.includes(Buffer.from(secret).toString('base64'))

export type Measured = Readonly<{code: number | null; output: string; mostMb: number}>

/** Runs a command, and watches its memory. `stopAfter`: resolves when it has run long enough. */
export function measured(
  args: readonly string[],
  cwd: string,
  stopAfter: ((output: () => string) => Promise<void>) | null = null,
): Promise<Measured> {
  const child = spawn(process.execPath, [runJs, ...args], {cwd, env: {}, stdio: ['ignore', 'pipe', 'pipe']})
  const out: string[] = []
  let mostMb = 0
  const look = setInterval(() => {
    mostMb = Math.max(mostMb, mostMbOf(child.pid ?? 0))
  }, 10)
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => out.push(chunk.toString()))
  const output = () => out.join('')
  void stopAfter?.(output).finally(() => child.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      clearInterval(look)
      resolve({code, output: output(), mostMb})
    })
  })
}

/** The most that the process ever held (VmHWM); 0: it has ended. */
function mostMbOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}
