import {type ChildProcess, execFile, execFileSync, spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {chmod, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {connect} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {describe, expect, onTestFinished, test} from 'vitest'
import {followersOf, type PgNode, rejoin, until} from '../support/cluster.ts'
import {lacks, lacksLab} from '../support/parts.ts'
import {type Lab, lab} from './cluster.ts'
import {watchWriters} from './never-two.ts'

const example = (name: string) => fileURLToPath(new URL(`../../examples/two-daemons/${name}`, import.meta.url))
const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const psql = '/usr/lib/postgresql/15/bin/psql'

/** The files of the example, with the addresses and folders of the test in the place of theirs. */
async function written(name: string, {cluster, net}: Lab, folder: string): Promise<string> {
  const text = await readFile(example(name), 'utf8')
  const path = join(folder, name)
  const placed = cluster.nodes.reduce(
    (made, {name: host, port}, index) =>
      made
        .replaceAll(`10.0.0.${index + 1}:5432`, `${net.node(host).address}:${port}`)
        .replaceAll(`host: 10.0.0.${index + 1},`, `host: ${net.node(host).address}, port: ${port}, sslmode: disable,`),
    text,
  )
  const changed = placed
    .replaceAll('/etc/pgroute66/password', join(folder, 'password'))
    .replaceAll('/var/lib/pgroute66', join(folder, 'state'))
    .replaceAll(/\/run\/(pgroute66|haproxy)\//g, `${folder}/`)
    // HAProxy's own account could not make its socket in the folder.
    .replaceAll(/^ {4}(user|group) haproxy\n|(?<=admin\.sock) user haproxy group haproxy/gm, '')
  await writeFile(path, changed, {mode: 0o600})
  return path
}

/** A machine of the example: HAProxy and a daemon, each with the file of the example. */
class Machine {
  readonly name: string
  readonly #folder: string
  readonly #lab: Lab
  #processes: ChildProcess[] = []
  output = ''

  private constructor(name: string, place: Lab, folder: string) {
    this.name = name
    this.#lab = place
    this.#folder = folder
  }

  static async start(name: string, place: Lab): Promise<Machine> {
    const folder = await mkdtemp(join(tmpdir(), `pgroute66-${name}-`))
    await chmod(folder, 0o755)
    await writeFile(join(folder, 'password'), 'no-password-is-asked', {mode: 0o600})
    const machine = new Machine(name, place, folder)
    onTestFinished(async () => {
      await machine.die()
      await rm(folder, {recursive: true, force: true})
    })
    await machine.boot()
    return machine
  }

  async boot(): Promise<void> {
    const [config, file] = [
      await written('config.yaml', this.#lab, this.#folder),
      await written('haproxy.cfg', this.#lab, this.#folder),
    ]
    for (const words of [
      ['/usr/sbin/haproxy', '-db', '-f', file],
      [process.execPath, program, 'serve', '-c', config],
    ]) {
      const [enter = '', ...within] = this.#lab.net.node(this.name).within
      const child = spawn(enter, [...within, ...words], {cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe']})
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          this.output += text
        })
      this.#processes.push(child)
    }
  }

  /** Both programs end at once, as when the machine loses its power. */
  async die(): Promise<void> {
    const ended = this.#processes.filter(({exitCode, signalCode}) => exitCode === null && signalCode === null)
    this.#processes = []
    await Promise.all(
      ended.map((child) => {
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        return gone
      }),
    )
  }

  /** The servers to which HAProxy sends writes now. It is asked over a unix socket, whatever the network does. */
  async writers(): Promise<readonly string[]> {
    const text = await this.#ask('show stat').catch(() => '')
    const rows = text.split('\n').map((line) => line.split(','))
    return rows
      .filter(([proxy, , ...cells]) => proxy === 'pg_write' && /^(UP|no check)$/.test(cells[15] ?? ''))
      .map(([, server = '']) => server)
      .filter((server) => server !== 'BACKEND')
  }

  #ask(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = ''
      const client = connect(join(this.#folder, 'admin.sock'), () => client.end(`${command}\n`))
      client.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      client.once('error', reject).once('close', () => resolve(text))
    })
  }
}

/** One INSERT by the addresses of both machines, as a client that knows both by DNS. */
async function writes({net}: Lab): Promise<boolean> {
  const hosts = ['lb1', 'lb2'].map((name) => net.node(name).address).join(',')
  const [enter = '', ...within] = net.node('client').within
  const target = `host=${hosts} port=5000 user=pgroute66 dbname=postgres sslmode=disable connect_timeout=2`
  const words = [...within, psql, target, '--no-psqlrc', '-c', 'insert into written values (1)']
  return promisify(execFile)(enter, words, {timeout: 30_000}).then(
    () => true,
    () => false,
  )
}

const both = (machines: readonly Machine[], host: string | null) =>
  until(async () =>
    (await Promise.all(machines.map((one) => one.writers()))).every((names) => names.join() === (host ?? '')),
  )

describe.skipIf(lacksLab || lacks('HAProxy') || !existsSync(psql))('examples/two-daemons', () => {
  test('one machine is lost, then a partition: writes resume, and two hosts never get them', async () => {
    const place = await lab(15, {others: ['lb1', 'lb2', 'client']})
    const {net, cluster} = place
    const [host1, host2, host3] = cluster.nodes as readonly [PgNode, PgNode, PgNode]
    await host1.sql('create table written (n int)')
    await host1.sql('grant insert on written to pgroute66')
    const streams = (from: PgNode, names: string) => until(async () => (await followersOf(from)).join() === names)
    await streams(host1, 'host2,host3')
    const machines = [await Machine.start('lb1', place), await Machine.start('lb2', place)] as const
    const [lb1, lb2] = machines
    await both(machines, 'host1')
    const looked = watchWriters(machines)
    await until(() => writes(place))

    // One machine is lost; then the primary, while the other machine is alone.
    await lb1.die()
    await until(() => writes(place))
    await host1.kill()
    await both([lb2], null)
    await host2.promote()
    await rejoin(host3, host2)
    await both([lb2], 'host2')
    await until(() => writes(place))
    await lb1.boot()
    await rejoin(host1, host2)
    await streams(host2, 'host1,host3')
    await both(machines, 'host2')

    // host2 and lb1 are cut off from all others. lb1 has no follower of host2, and lb2 no host2.
    for (const cut of ['host2', 'lb1']) for (const off of ['host1', 'host3', 'lb2', 'client']) await net.cut(cut, off)
    await both(machines, null)
    await host3.promote()
    await rejoin(host1, host3)
    await both([lb2], 'host3')
    await until(() => writes(place))
    expect(await lb1.writers()).toEqual([])

    // The network is whole again, and host2 still believes in itself: neither daemon sends writes anywhere.
    await net.heal()
    await both(machines, null)
    await rejoin(host2, host3)
    await both(machines, 'host3')
    await until(() => writes(place))
    const {looks, found} = await looked()
    expect(looks).toBeGreaterThan(10)
    expect(found).toEqual([])
  }, 600_000)
})

test('haproxy.cfg is what the command prints for config.yaml', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-two-'))
  onTestFinished(() => rm(folder, {recursive: true, force: true}))
  await writeFile(join(folder, 'password'), 'secret', {mode: 0o600})
  const text = await readFile(example('config.yaml'), 'utf8')
  const config = join(folder, 'config.yaml')
  await writeFile(config, text.replaceAll('/etc/pgroute66/password', join(folder, 'password')), {mode: 0o600})
  const made = execFileSync(process.execPath, [program, 'haproxy', 'config', '--style', 'push', '-c', config], {
    encoding: 'utf8',
  })
  expect(made).toBe(await readFile(example('haproxy.cfg'), 'utf8'))
})

test.skipIf(lacks('keepalived'))('keepalived accepts its file', () => {
  execFileSync('/usr/sbin/keepalived', ['--config-test', '--use-file', example('keepalived.conf')])
})
