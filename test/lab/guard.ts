import {type ChildProcess, spawn, spawnSync} from 'node:child_process'
import {mkdtempSync, readFileSync, writeFileSync} from 'node:fs'
import {request} from 'node:http'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {onTestFinished} from 'vitest'
import type {PgNode} from '../support/cluster.ts'
import type {Lab} from './cluster.ts'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** What `/v1/guard` says, as far as the tests read it. */
export type GuardView = Readonly<{
  own: string
  read_write: string | null
  read_only: string | null
  rule: string | null
  why: string | null
  lease_left_ms: number | null
  problems: readonly string[]
  sessions_ended: number
  rewrites: number
  changes: readonly Readonly<{at: string; rule: string; read_write: string | null}>[]
}>

/** A guard on a machine of the laboratory, beside the server of that machine. */
export interface LabGuard {
  readonly node: PgNode
  readonly config: string
  start(): void
  /** Everything that it has printed so far. */
  output(): string
  view(): Promise<GuardView | null>
  metrics(): Promise<string>
  /** pg_hba.conf of its server. */
  hba(): string
  signal(signal: NodeJS.Signals): void
  kill(): void
  /** Runs the command once, as a unit does. */
  run(...flags: readonly string[]): Readonly<{status: number | null; stderr: string; stdout: string}>
}

export type LabGuardOptions = Readonly<{
  /** Keys of the section `guard`, in YAML's flow form. */
  guard?: string
  more?: readonly string[]
  /** A command line that the guard runs under, such as strace. */
  under?: readonly string[]
}>

/** A guard for each server of the cluster, which are neighbours; they end with the test. `start` them. */
export function labGuards(
  {net, cluster}: Lab,
  addresses: readonly string[],
  {guard = '', more = [], under = []}: LabGuardOptions = {},
): readonly LabGuard[] {
  return cluster.nodes.map((node, index) => {
    const folder = mkdtempSync(join(tmpdir(), 'pgroute66-guard-'))
    const config = join(folder, 'pgroute66.yml')
    const machineId = join(folder, 'machine-id')
    writeFileSync(machineId, `${String(index + 1).repeat(32)}\n`)
    const others = cluster.nodes.filter((other) => other !== node)
    const hosts = cluster.nodes.map(
      ({name, port}) =>
        `  ${name}: {host: ${net.node(name).address}, port: ${port}, user: pgroute66, dbname: postgres}`,
    )
    const section = [
      `hba_file: ${join(node.data, 'pg_hba.conf')}`,
      'users: {read_write: [app], read_only: [reports]}',
      `addresses: [${addresses.join(', ')}]`,
      'allow: trust',
      `neighbours: [${others.map(({name}) => `"grpc://${net.node(name).address}:10000"`).join(', ')}]`,
      'grpc: {}',
      `socket: ${join(folder, 'guard.sock')}`,
      ...(guard === '' ? [] : [guard]),
    ]
    const lines = ['hosts:', ...hosts, `local: ${node.name}`, ...more, `guard: {${section.join(', ')}}`]
    writeFileSync(config, `${lines.join('\n')}\n`, {mode: 0o600})
    const [enter = '', ...within] = net.node(node.name).within
    const asMachine = ['unshare', '--mount', 'sh', '-c', `mount --bind ${machineId} /etc/machine-id && exec "$@"`, 'sh']
    const command = [...within, ...asMachine, ...under, process.execPath, program, 'guard', '-c', config]
    let child: ChildProcess | null = null
    let printed = ''
    const kill = () => void child?.kill('SIGKILL')
    onTestFinished(kill)
    return {
      node,
      config,
      start() {
        const started = spawn(enter, command, {cwd: folder})
        child = started
        for (const stream of [started.stdout, started.stderr])
          stream.setEncoding('utf8').on('data', (text: string) => {
            printed += text
          })
      },
      output: () => printed,
      view: async () => JSON.parse((await ask(join(folder, 'guard.sock'), '/v1/guard')) ?? 'null'),
      metrics: async () => (await ask(join(folder, 'guard.sock'), '/metrics')) ?? '',
      hba: () => readFileSync(join(node.data, 'pg_hba.conf'), 'utf8'),
      signal: (signal) => void child?.kill(signal),
      kill,
      run: (...flags) => spawnSync(enter, [...command, ...flags], {cwd: folder, encoding: 'utf8'}),
    }
  })
}

function ask(socketPath: string, path: string): Promise<string | null> {
  return new Promise((resolve) => {
    request({socketPath, path}, async (response) => {
      let body = ''
      for await (const part of response.setEncoding('utf8')) body += part
      resolve(body)
    })
      .on('error', () => resolve(null))
      .end()
  })
}

/** An application on the machine `client`: it writes as `app` in one session, and connects again when that ends. */
export interface LabWriter {
  /** Times at which a row was committed by `node`, in milliseconds since 1970, oldest first. */
  rowsOf(node: PgNode): Promise<readonly number[]>
  stop(): void
}

const writing = `
import pg from 'pg'
const [host, port] = process.argv.slice(1)
const pause = (ms) => new Promise((done) => setTimeout(done, ms))
for (;;) {
  const to = {host, port: Number(port), user: 'app', database: 'postgres'}
  const client = new pg.Client({...to, connectionTimeoutMillis: 2000, query_timeout: 2000})
  client.on('error', () => {})
  try {
    await client.connect()
    for (;;) {
      await client.query('insert into written values (clock_timestamp())')
      await pause(20)
    }
  } catch {
    client.end().catch(() => {})
    await pause(50)
  }
}
`

/** Writes to `node` without end. The table `written` must be there. */
export function labWriter({net}: Lab, node: PgNode, on = 'client'): LabWriter {
  const [enter = '', ...within] = net.node(on).within
  const address = net.node(node.name).address
  const child = spawn(
    enter,
    [...within, process.execPath, '--input-type=module', '-e', writing, address, String(node.port)],
    {cwd: fileURLToPath(new URL('../..', import.meta.url)), stdio: ['ignore', 'ignore', 'inherit']},
  )
  const stop = () => void child.kill('SIGKILL')
  onTestFinished(stop)
  return {
    async rowsOf(from) {
      const rows = await from.sql('select extract(epoch from at) * 1000 as ms from written order by at')
      return rows.map(({ms}) => Number(ms))
    },
    stop,
  }
}

/** What a connection from the machine `on` to the server meets: `open`, or an errno. */
export function reach({net}: Lab, node: PgNode, on = 'client'): string {
  const [enter = '', ...within] = net.node(on).within
  const code = `const socket = require('node:net').connect(${node.port}, '${net.node(node.name).address}')
    const say = (word) => { console.log(word); process.exit() }
    socket.on('connect', () => say('open')).on('error', (error) => say(error.code))`
  return spawnSync(enter, [...within, process.execPath, '-e', code], {encoding: 'utf8', timeout: 10_000}).stdout.trim()
}
