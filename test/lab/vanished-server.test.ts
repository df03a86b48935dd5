import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {describe, expect, onTestFinished, test} from 'vitest'
import {haproxyFile} from '../../src/actuators/haproxy/cfg.ts'
import {lacks, lacksLab} from '../support/parts.ts'
import {type LabNode, network} from './network.ts'

/** Runs a program on a node until the test is over, and reads its lines. */
function run({within: [command = '', ...args]}: LabNode, ...program: readonly string[]) {
  const child: ChildProcess = spawn(command, [...args, ...program], {stdio: ['ignore', 'pipe', 'inherit']})
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface(child.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]()
  return {child, next: async (): Promise<string> => (await lines.next()).value ?? 'nothing more'}
}

/** The generated file, as a test may run it: in the foreground, with its servers enabled. */
async function fileFor(address: string): Promise<string> {
  const endpoint = {address: '127.0.0.1', port: 8080, tls: null}
  const backend = {name: 'pg_read', role: 'replica', bind: ':5001', servers: [{name: 'host1', address}], fallback: null}
  const text = haproxyFile({
    style: 'push',
    backends: [{...backend, role: 'replica'}],
    api: endpoint,
    agent: endpoint,
    socket: '127.0.0.1:9999',
    maxLag: null,
  })
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-vanished-'))
  const path = join(folder, 'haproxy.cfg')
  const lines = text
    .split('\n')
    .filter((line) => !/^ {4}(user|group|log) |connection reject|default-server disabled/.test(line))
  await writeFile(path, lines.join('\n'))
  return path
}

describe.skipIf(lacksLab || lacks('HAProxy'))(
  'a server that vanishes without a word, behind the generated haproxy.cfg',
  () => {
    // Measured: 9 s. Without the lines of the file a session hangs for "timeout server", an hour.
    test.each([
      {session: 'an idle session', writes: false},
      {session: 'a session that waits for an answer', writes: true},
    ])(
      '$session ends',
      async ({writes}) => {
        const net = await network(['lb', 'host1'])
        onTestFinished(() => net[Symbol.asyncDispose]())
        const [lb, host1] = [net.node('lb'), net.node('host1')]
        const echo = `require('node:net').createServer((s) => s.on('error', () => {}).pipe(s))
      .listen(5432, '${host1.address}', () => console.log('listening'))`
        expect(await run(host1, process.execPath, '-e', echo).next()).toBe('listening')
        const haproxy = run(lb, 'haproxy', '-db', '-f', await fileFor(`${host1.address}:5432`))
        const client = run(
          lb,
          process.execPath,
          '-e',
          `
      const connect = () => {
        const s = require('node:net').connect(5001, '127.0.0.1', () => s.write('hello'))
        s.on('data', () => console.log('answered')).on('close', () => console.log('closed'))
        s.on('error', () => setTimeout(connect, 100))
        process.on('SIGUSR2', () => s.write('more'))
      }
      connect()`,
        )
        let word = await client.next()
        while (word === 'closed') word = await client.next()
        expect(word).toBe('answered')

        await net.cut('lb', 'host1')
        if (writes) client.child.kill('SIGUSR2')
        expect(await client.next()).toBe('closed')
        expect(haproxy.child.exitCode).toBeNull()
        await Promise.all([client.child.kill(), once(client.child, 'exit')])
      },
      120_000,
    )
  },
)
