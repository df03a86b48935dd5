import type {ChildProcess} from 'node:child_process'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {WireSet} from '../../../src/protocol/set-json.ts'
import type {WireSnapshot} from '../../../src/protocol/snapshot-json.ts'
import {getUnix} from '../../../src/sources/daemon/get-unix.ts'
import {makeCertificates} from '../certificates.ts'
import {run, start} from '../run.ts'
import {freePort} from '../site.ts'

export type RealNode = Readonly<{
  id: string
  child: ChildProcess
  output: () => string
  ended: Promise<unknown>
  snapshot: () => Promise<WireSnapshot | null>
  set: () => Promise<WireSet | null>
  /** Who it routes a group to; `null`: no host, or no answer. */
  routed: (group: string) => Promise<string | null>
  command: (...args: string[]) => ReturnType<typeof run>
}>

export type RealSetOptions = Readonly<{
  /** Of etcd, for an instance. */
  endpoints: (id: string) => readonly string[]
  /** Lines of hosts and groups. */
  hosts: string
  ids?: readonly string[]
  /** More of `cluster`: `standby: 1`. */
  more?: string
}>

/** Instances of one set, as processes over a real etcd. They end when this is disposed of. */
export class RealSet implements AsyncDisposable {
  readonly ids: readonly string[]
  readonly #nodes = new Map<string, RealNode>()
  readonly #ports = new Map<string, number>()
  readonly #options: RealSetOptions
  readonly #folder: string

  private constructor(options: RealSetOptions, folder: string) {
    this.#options = options
    this.#folder = folder
    this.ids = options.ids ?? ['lb1', 'lb2', 'lb3']
  }

  static async make(options: RealSetOptions): Promise<RealSet> {
    const folder = await mkdtemp(join(tmpdir(), 'pgroute66-set-'))
    makeCertificates(folder)
    const set = new RealSet(options, folder)
    for (const id of set.ids) set.#ports.set(id, await freePort())
    return set
  }

  get running(): readonly RealNode[] {
    return [...this.#nodes.values()]
  }

  node(id: string): RealNode {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new Error(`no instance ${id} runs`)
    return node
  }

  /** Resolves once it listens. `extra`: lines of its own configuration. */
  async start(id: string, extra = ''): Promise<RealNode> {
    const {endpoints, hosts, more = ''} = this.#options
    const port = this.#ports.get(id)
    const socket = join(this.#folder, `${id}.sock`)
    const file = join(this.#folder, `${id}.yml`)
    const cluster = [
      `set: test, id: ${id}, url: "https://127.0.0.1:${port}"`,
      'ca_file: ca.crt, cert_file: server.crt, key_file: server.key',
      `etcd: {endpoints: [${endpoints(id).join(', ')}]}${more}`,
    ]
    const lines = [
      hosts,
      `port: ${port}`,
      'ssl: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt}',
      `socket: ${socket}`,
      `control_socket: ${join(this.#folder, `${id}-control.sock`)}`,
      `cluster: {${cluster.join(', ')}}`,
      extra,
    ]
    await writeFile(file, `${lines.join('\n')}\n`, {mode: 0o600})
    const {child, ended, output, sees} = start(['serve', '-c', file], {
      cwd: this.#folder,
      limitMs: 1_800_000,
      // A session of its own: on a busy machine the kernel gives each instance its share of the time.
      // It ends with the test runner, also where that is killed.
      launcher: ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '/usr/bin/setsid'],
    })
    const get = async <T>(path: string): Promise<T | null> => {
      const reply = await getUnix(socket, path, 2_000)
      return typeof reply === 'string' || reply.status !== 200 ? null : (JSON.parse(reply.body) as T)
    }
    const node: RealNode = {
      id,
      child,
      ended,
      output,
      snapshot: () => get<WireSnapshot>('/v1/snapshot'),
      set: () => get<WireSet>('/v1/instances'),
      routed: async (group) => (await get<WireSnapshot>('/v1/snapshot'))?.groups[group]?.verdict.routed_to ?? null,
      command: (...args) => run([...args, '-c', file].flat(), {cwd: this.#folder, env: {USER: 'anna'}}),
    }
    this.#nodes.set(id, node)
    await sees('listening')
    return node
  }

  async startAll(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.start(id)))
  }

  async kill(id: string, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const {child, ended} = this.node(id)
    this.#nodes.delete(id)
    child.kill(signal)
    await ended
  }

  /** By the registry, as the first instance that answers sees it. */
  async ownerOf(group: string): Promise<string | null> {
    for (const {set} of this.running) {
      const seen = await set()
      if (seen !== null) return seen.groups[group]?.owner ?? null
    }
    return null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const {child} of this.running) {
      child.kill('SIGCONT')
      child.kill('SIGKILL')
    }
    await Promise.all(this.running.map(({ended}) => ended))
  }
}
