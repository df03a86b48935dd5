import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtempSync, readFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {request} from 'undici'
import {freePorts} from '../../src/demo/free-ports.ts'

export type Etcd = AsyncDisposable &
  Readonly<{
    /** Of each member: `http://127.0.0.1:2379`. */
    urls: readonly string[]
    /** Stops a member as it stands (SIGSTOP), or lets it go on. */
    freeze(index: number): void
    thaw(index: number): void
    kill(index: number): Promise<void>
    /** A POST to the gateway of the first member that runs. */
    post(path: string, body: object, headers?: Record<string, string>): Promise<unknown>
    put(key: string, value: string, lease?: string): Promise<void>
    remove(key: string): Promise<void>
    /** By the v2 API of the first member; the key ends after `ttl` seconds. */
    put2(key: string, value: string, ttl?: number): Promise<void>
    remove2(key: string): Promise<void>
  }>

/** `count` members on ports of their own. `tlsFolder` holds `ca.crt`, `server.crt` and `server.key`. */
export async function startEtcd({
  count = 1,
  tlsFolder,
  asksClients = false,
}: {
  count?: number
  tlsFolder?: string
  /** For a certificate of the authority in the same folder. */
  asksClients?: boolean
} = {}): Promise<Etcd> {
  const scheme = tlsFolder === undefined ? 'http' : 'https'
  const held = await freePorts(2 * count)
  const {ports} = held
  const clients = ports.slice(0, count).map((port) => `${scheme}://127.0.0.1:${port}`)
  const peers = ports.slice(count).map((port) => `http://127.0.0.1:${port}`)
  const cluster = peers.map((url, index) => `e${index}=${url}`).join(',')
  const served = ['--cert-file', 'server.crt', '--key-file', 'server.key']
  const asked = asksClients ? ['--client-cert-auth', '--trusted-ca-file', 'ca.crt'] : []
  const tls = tlsFolder === undefined ? [] : [...served, ...asked]
  const children = clients.map((url, index) => {
    const options = {
      name: `e${index}`,
      'data-dir': mkdtempSync(join(tmpdir(), 'pgroute66-etcd-')),
      'listen-client-urls': url,
      'advertise-client-urls': url,
      'listen-peer-urls': peers[index] ?? '',
      'initial-advertise-peer-urls': peers[index] ?? '',
      'initial-cluster': cluster,
      'heartbeat-interval': '100',
      'election-timeout': '1000',
    }
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
    return spawn('/usr/bin/etcd', [...args, ...tls, '--enable-v2', '--unsafe-no-fsync'], {
      cwd: tlsFolder,
      stdio: 'ignore',
    })
  })
  const etcd = running({urls: clients, children, tlsFolder, held})
  try {
    for (const url of clients) await ready(url, tlsFolder)
  } catch (error) {
    await etcd[Symbol.asyncDispose]()
    throw error
  }
  return etcd
}

type Running = Readonly<{
  urls: readonly string[]
  children: readonly ChildProcess[]
  tlsFolder: string | undefined
  held: AsyncDisposable
}>

function running({urls, children, tlsFolder, held}: Running): Etcd {
  const encoded = (text: string) => Buffer.from(text).toString('base64')
  const isUp = ({exitCode, signalCode}: ChildProcess) => exitCode === null && signalCode === null
  const end = async (child: ChildProcess) => {
    if (!isUp(child)) return
    const closed = once(child, 'exit')
    child.kill('SIGKILL')
    await closed
  }
  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const url = urls.find((_, index) => isUp(children[index] as ChildProcess)) ?? ''
    return send(url + path, {method: 'POST', body: JSON.stringify(body), headers}, tlsFolder)
  }
  return {
    urls,
    freeze: (index) => children[index]?.kill('SIGSTOP'),
    thaw: (index) => children[index]?.kill('SIGCONT'),
    kill: async (index) => end(children[index] as ChildProcess),
    post,
    put: async (key, value, lease) => {
      await post('/v3/kv/put', {key: encoded(key), value: encoded(value), ...(lease !== undefined && {lease})})
    },
    remove: async (key) => {
      await post('/v3/kv/deleterange', {key: encoded(key)})
    },
    remove2: async (key) => {
      await send(`${urls[0]}/v2/keys${key}`, {method: 'DELETE'}, tlsFolder)
    },
    put2: async (key, value, ttl) => {
      const headers = {'content-type': 'application/x-www-form-urlencoded'}
      const body = new URLSearchParams({value, ...(ttl !== undefined && {ttl: String(ttl)})}).toString()
      await send(`${urls[0]}/v2/keys${key}`, {method: 'PUT', body, headers}, tlsFolder)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map(end))
      await held[Symbol.asyncDispose]()
    },
  }
}

type Sent = Readonly<{method: 'POST' | 'PUT' | 'GET' | 'DELETE'; body?: string; headers?: Record<string, string>}>
async function send(url: string, options: Sent, tlsFolder: string | undefined): Promise<unknown> {
  const {statusCode, body} = await request(url, {...options, ...(tlsFolder && {dispatcher: await withTls(tlsFolder)})})
  const text = await body.text()
  if (statusCode >= 300) throw new Error(`${url} answers ${statusCode}: ${text}`)
  return JSON.parse(text)
}

async function withTls(folder: string) {
  const {Agent} = await import('undici')
  const [ca, cert, key] = ['ca.crt', 'server.crt', 'server.key'].map((name) => readFileSync(join(folder, name)))
  return new Agent({connect: {ca, cert, key}})
}

/** A member answers a linearizable read once it has a leader. */
async function ready(url: string, tlsFolder: string | undefined): Promise<void> {
  const end = Date.now() + 60_000
  const read = {method: 'POST', body: JSON.stringify({key: 'YQ=='})} as const
  for (;;) {
    const error = await send(`${url}/v3/kv/range`, read, tlsFolder).then(
      () => null,
      (failed: unknown) => failed,
    )
    if (error === null) return
    if (Date.now() > end) throw new Error(`etcd at ${url} does not start`, {cause: error})
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
