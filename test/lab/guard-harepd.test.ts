import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {appendFileSync, mkdtempSync, readFileSync, writeFileSync} from 'node:fs'
import {createServer, type ServerHttp2Stream} from 'node:http2'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import type {PgNode} from '../../src/demo/node.ts'
import {encodeReply, framed} from '../../src/protocol/cluster-info.ts'
import {until} from '../support/cluster.ts'
import {lacks, lacksLab} from '../support/parts.ts'
import {freePort} from '../support/site.ts'
import {type RepmgrCluster, repmgrCluster} from './repmgr.ts'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
/** As harepd left them. */
const itsLines = '\nhost    harw    harw    127.0.0.1/32    md5\nhost    haro    haro    127.0.0.1/32    md5'

/** harepd's file of one node, and a machine of its own: one machine has one vote. */
class Node {
  readonly node: PgNode
  readonly port: number
  readonly folder = mkdtempSync(join(tmpdir(), 'pgroute66-harepd-'))
  #name: string
  #child: ChildProcess | null = null
  printed = ''

  constructor(node: PgNode, name: string, port: number) {
    this.node = node
    this.#name = name
    this.port = port
    writeFileSync(join(this.folder, 'machine-id'), `${String(port).padEnd(32, '0')}\n`)
  }

  get hba(): string {
    return readFileSync(join(this.node.data, 'pg_hba.conf'), 'utf8')
  }

  configure(neighbours: readonly number[], witness: number): void {
    const text = `harepd:
  nodeName: ${this.#name}
  primaryIP: 127.0.0.1
  allowRO: true
  hbaConfig: ${join(this.node.data, 'pg_hba.conf')}
  haproxy: {server: [127.0.0.1], users: {readOnly: haro, readWrite: harw}}
  authModes: {allow: md5, deny: reject}
  repmgr: {user: repmgr, db: repmgr}
  gRPC:
    tls: {enabled: false}
    bindPort: ${this.port}
    bindAddress: 127.0.0.1
    neighbours: [${neighbours.map((port) => `"127.0.0.1:${port}"`).join(', ')}]
    witness: "127.0.0.1:${witness}"
    connectionDeadline: 10
  watchDog: 15
`
    writeFileSync(join(this.folder, 'conf.yml'), text)
  }

  get #command(): readonly string[] {
    const enter = `mount --bind ${join(this.folder, 'machine-id')} /etc/machine-id && exec "$@"`
    const conf = ['guard', '-f', 'conf.yml']
    return ['--mount', 'sh', '-c', enter, 'sh', process.execPath, program, ...conf]
  }

  /** Without a server on its socket, which is not in its usual place here. */
  get #around() {
    const {settings} = this.node
    return {
      cwd: this.folder,
      env: {...process.env, PGHOST: settings.folder, PGPORT: `${settings.port}`, PGUSER: 'postgres'},
    }
  }

  start(...flags: readonly string[]): void {
    const child = spawn('unshare', [...this.#command, ...flags], this.#around)
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.printed += text
      })
    this.#child = child
  }

  async run(...flags: readonly string[]): Promise<Readonly<{status: number | null; said: string}>> {
    const child = spawn('unshare', [...this.#command, ...flags], this.#around)
    onTestFinished(() => void child.kill('SIGKILL'))
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    await once(child, 'close')
    return {status: child.exitCode, said}
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }
}

/** A harepd that repeats what its table says. */
async function original(): Promise<number> {
  const reply = {
    ip: '127.0.0.1',
    nodeId: 2,
    nodeName: 'host2',
    witness: '',
    slaves: ['127.0.0.1'],
    master: ['127.0.0.1'],
  }
  const server = createServer()
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {})
    stream.respond({':status': 200, 'content-type': 'application/grpc'}, {waitForTrailers: true})
    stream.on('wantTrailers', () => stream.sendTrailers({'grpc-status': '0'}))
    stream.end(framed(encodeReply(reply)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe.skipIf(lacks('repmgr') || lacksLab)("guard -f: harepd's file on a real repmgr cluster", () => {
  let lab: RepmgrCluster
  let nodes: readonly Node[]
  let witness: Node

  beforeAll(async () => {
    lab = await repmgrCluster()
    await lab.stopDaemons()
    const ports = await Promise.all(Array.from({length: 4}, freePort))
    nodes = lab.cluster.nodes.map((node, index) => new Node(node, node.name, ports[index] ?? 0))
    witness = new Node(lab.witness, 'witness', ports[3] ?? 0)
    for (const one of [...nodes, witness])
      one.configure(
        nodes.flatMap(({port}) => (port === one.port ? [] : [port])),
        witness.port,
      )
  })
  afterAll(async () => {
    for (const one of [...(nodes ?? []), ...(witness ? [witness] : [])]) one.kill()
    await lab?.[Symbol.asyncDispose]()
  })

  test('it takes over: the gate of the primary opens, its lines go, and all others stay', async () => {
    const before = nodes.map(({hba}) => hba)
    for (const {node} of nodes) appendFileSync(join(node.data, 'pg_hba.conf'), itsLines)
    witness.start('--server-only')
    for (const one of nodes) one.start()
    const line = (user: string, method: string) =>
      new RegExp(`^host {2}sameuser {2}${user} {2}127.0.0.1/32 {2}${method} *$`, 'm')
    const [first, ...others] = nodes as [Node, ...Node[]]
    await until(() => line('harw', 'md5').test(first.hba)).catch(() => expect(first.printed).toBe(''))
    for (const other of others) await until(() => line('haro', 'md5').test(other.hba))
    for (const other of others) expect(other.hba).toMatch(line('harw', 'reject'))
    for (const [index, {hba}] of nodes.entries()) {
      expect(hba).not.toContain('harw    harw')
      expect(hba.trimEnd().endsWith(before[index]?.trimEnd() ?? 'nothing')).toBe(true)
    }
    expect(first.printed).toContain('This host is the node host1 at 127.0.0.1.')
    expect(first.printed).toContain('in the clear')
    expect(witness.printed).toContain('touches no gate')
  })

  test('a client that knows nothing of pgroute66 gets what harepd would have said', async () => {
    const {GrpcPeer} = await import('../../src/sources/peer/grpc-client.ts')
    const bare = {caFile: null, certFile: null, keyFile: null, tokenFile: null, serverName: null}
    const peer = new GrpcPeer({kind: 'grpc', url: `grpc://127.0.0.1:${witness.port}`, ...bare})
    const heard = await peer.ask('all', AbortSignal.timeout(60_000), 60_000)
    await peer.close()
    expect(heard).toMatchObject({word: {kind: 'view', view: {hosts: [{name: 'host1', role: 'primary'}, {}, {}]}}})
  })

  test('an original harepd beside it: the start is refused, and --quorum any says so and starts', async () => {
    const [first] = nodes as [Node]
    first.kill()
    first.configure([await original(), nodes[2]?.port ?? 0], witness.port)
    const refused = await first.run()
    expect([refused.status, refused.said]).toEqual([2, expect.stringContaining('never confirms')])
    expect(refused.said).toContain('--quorum any')
    const any = await first.run('--quorum', 'any', '--client-only')
    expect(any.said).toContain('both halves')
    expect([0, 1]).toContain(any.status)
  })

  test('--deny shuts without PostgreSQL, as before its start', async () => {
    const [, , third] = nodes as [Node, Node, Node]
    third.kill()
    await third.node.stop('fast')
    const {status, said} = await third.run('--deny')
    expect([status, said]).toEqual([0, expect.stringContaining('deny')])
    expect(third.hba.match(/reject/g)?.length).toBeGreaterThanOrEqual(2)
  })
})
