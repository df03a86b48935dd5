import {spawn} from 'node:child_process'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {request} from 'node:http'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {onTestFinished} from 'vitest'
import type {Lab} from './cluster.ts'

/** A daemon on a machine of the laboratory. Its unix socket is reached whatever the network does. */
export type LabServe = Readonly<{
  /** Everything that it has printed so far. */
  output(): string
  /** The answer of its API; `null`: none yet. */
  get(path: string): Promise<string | null>
  /** An order, by the control socket: `/v1/hosts/host1/accept`. Rejects when it is not carried out. */
  order(path: string): Promise<void>
}>

export type LabServeOptions = Readonly<{
  sslmode?: string
  probe?: string
  on?: string
  more?: readonly string[]
  /** A file in the place of /etc/machine-id. The other machines then reach the API, too. */
  machineId?: string
}>

/**
 * Starts `serve` on the node `on`, for all servers of the cluster; it ends with the test. `more`:
 * lines of its configuration.
 */
export async function labServe(lab: Lab, options: LabServeOptions = {}): Promise<LabServe> {
  const started = await startLabServe(lab, options)
  onTestFinished(() => started[Symbol.dispose]())
  return started
}

/** The same for benches, which dispose of it. */
export async function startLabServe(
  {net, cluster}: Lab,
  {sslmode = 'disable', probe = '', on = 'serve', more = [], machineId}: LabServeOptions = {},
): Promise<LabServe & Disposable> {
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-lab-'))
  const socket = join(folder, 'pgroute66.sock')
  const host = ({name, port}: {name: string; port: number}) =>
    `  ${name}: {host: ${net.node(name).address}, port: ${port}, user: pgroute66, password: pgroute66, ` +
    `dbname: postgres, sslmode: ${sslmode}}`
  const lines = [
    'password_encoding: plain',
    'hosts:',
    ...cluster.nodes.map(host),
    `bind: ${machineId === undefined ? '127.0.0.1' : net.node(on).address}`,
    'port: 8080',
    `socket: ${socket}`,
    `probe: {${probe}}`,
    ...more,
  ]
  await writeFile(join(folder, 'pgroute66.yml'), `${lines.join('\n')}\n`, {mode: 0o600})
  const [enter = '', ...within] = net.node(on).within
  const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
  const asMachine =
    machineId === undefined
      ? []
      : ['unshare', '--mount', 'sh', '-c', `mount --bind ${machineId} /etc/machine-id && exec "$@"`, 'sh']
  const child = spawn(enter, [...within, ...asMachine, process.execPath, program, 'serve', '-c', 'pgroute66.yml'], {
    cwd: folder,
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  return {
    output: () => printed,
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
    get: (path) =>
      asked(socket, path).then(
        ({body}) => body,
        () => null,
      ),
    async order(path) {
      const {status, body} = await asked(join(folder, 'control.sock'), path, 'POST')
      if (status !== 200) throw new Error(`${path}: ${body}`)
    },
  }
}

const asked = (socketPath: string, path: string, method = 'GET') =>
  new Promise<Readonly<{status: number | undefined; body: string}>>((resolve, reject) => {
    request({socketPath, path, method, headers: {'content-length': 0}}, async (response) => {
      let body = ''
      for await (const part of response.setEncoding('utf8')) body += part
      resolve({status: response.statusCode, body})
    })
      .on('error', reject)
      .end()
  })
