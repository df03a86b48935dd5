import {fork} from 'node:child_process'
import {mkdirSync, mkdtempSync, writeFileSync} from 'node:fs'
import {createServer, type Server} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, onTestFinished, test} from 'vitest'
import {startTrial} from '../../src/app/serve/trial/start-trial.ts'
import {StateLock} from '../../src/app/state/state-lock.ts'
import {loadConfig} from '../../src/config/load.ts'
import {selfSigned} from '../api/certificates.ts'
import {keptLog} from '../support/fake-source.ts'
import {mistakes} from './mistake-rows.ts'

type Refused = Readonly<{code: string; message: string}>
type Served = Readonly<{config: string; refused: Refused | null}>

/** What `serve` meets only when it begins. `DIR`, `TAKEN`: a folder, and a port in use. */
const atStart: Readonly<Record<string, string>> = {
  'the port of the API': 'port: TAKEN',
  'the port of Patroni’s words': 'port: 0\nlocal: h1\nlocal_api: {patroni: {port: TAKEN}}',
  'the port of primgr': 'port: 0\nlocal: h1\nlocal_api: {primgr: {port: TAKEN}}',
  'the port of gRPC': 'port: 0\ngrpc: {port: TAKEN}',
  'the port of agent-check': 'port: 0\nagent: {port: TAKEN}',
  'one port for two': 'port: 0\nlocal: h1\nlocal_api: {patroni: {port: 18067}, primgr: {port: 18067}}',
  'a foreign address': 'port: 0\nbind: 192.0.2.66',
  'a foreign address for gRPC': 'port: 0\ngrpc: {bind: 192.0.2.66, port: 18068}',
  'a socket in use': 'port: 0\nsocket: DIR/taken.sock',
  'a control socket in use': 'port: 0\ncontrol_socket: DIR/taken.sock\nsocket: DIR/x.sock',
  'a socket that is a file': 'port: 0\nsocket: DIR/file',
  'a socket below a file': 'port: 0\nsocket: DIR/file/s.sock',
  'a state_dir in use': 'port: 0\nstate_dir: DIR/locked',
  'a state_dir that is a file': 'port: 0\nstate_dir: DIR/file',
  'a memory of a newer version': 'port: 0\nstate_dir: DIR/newer',
  'a memory that is broken': 'port: 0\nstate_dir: DIR/broken',
  'a log below a file': 'port: 0\nlogfile: DIR/file/x.log',
  'a log that is a folder': 'port: 0\nlogfile: DIR',
  'a group that is missing': 'port: 0\nsocket: DIR/y.sock\nsocket_group: nosuchgroup',
  'a certificate that is none': 'port: 0\nssl: {cert_file: DIR/file, key_file: DIR/key}',
  'a key that is none': 'port: 0\nssl: {cert_file: DIR/cert, key_file: DIR/file}',
  'a list of revoked certificates that is none':
    'port: 0\nssl: {cert_file: DIR/cert, key_file: DIR/key, client_ca_file: DIR/cert, client_crl_file: DIR/file}',
  'an authority of clients that is none':
    'port: 0\nssl: {cert_file: DIR/cert, key_file: DIR/key, client_ca_file: DIR/file}',
  'a certificate of gRPC that is missing': 'port: 0\ngrpc: {port: 18069, tls: {cert_file: DIR/no, key_file: DIR/key}}',
}

async function prepared() {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-refusals-'))
  for (const name of ['locked', 'newer', 'broken']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'file'), '')
  writeFileSync(join(folder, 'newer', 'memory.json'), '{"schema": 99}')
  writeFileSync(join(folder, 'broken', 'memory.json'), '{"schema"')
  const {cert, key} = selfSigned(folder, 'server')
  const listening = (at: {port: number; host: string} | {path: string}) =>
    new Promise<Server>((resolve) => {
      const server = createServer((socket) => socket.destroy())
      onTestFinished(() => void server.close())
      server.listen(at, () => resolve(server))
    })
  const taken = await listening({port: 0, host: '127.0.0.1'})
  await listening({path: join(folder, 'taken.sock')})
  const lock = await StateLock.open(join(folder, 'locked'), keptLog())
  onTestFinished(() => lock[Symbol.asyncDispose]())
  const {port} = taken.address() as {port: number}
  const fill = (text: string) =>
    text
      .replaceAll('DIR/cert', cert)
      .replaceAll('DIR/key', key)
      .replaceAll('DIR', folder)
      .replaceAll('TAKEN', `${port}`)
      .replaceAll('PORT', '18066')
  return {folder, fill}
}

/** One process for all that are refused, and a new one after each that begins to serve. */
async function servedEach(files: readonly string[]): Promise<readonly Served[]> {
  const script = fileURLToPath(new URL('../support/serve-each.ts', import.meta.url))
  const all: Served[] = []
  for (let before = -1; all.length < files.length && all.length > before; ) {
    before = all.length
    const child = fork(script, files.slice(before), {stdio: ['ignore', 'ignore', 'ignore', 'ipc']})
    onTestFinished(() => void child.kill('SIGKILL'))
    child.on('message', (one: Served) => void all.push(one))
    await new Promise<void>((resolve) => child.once('exit', () => resolve()))
  }
  return all
}

test('config check calls no configuration ok that serve refuses to begin with', async () => {
  const {folder, fill} = await prepared()
  const hosts = 'hosts: {h1: {host: 127.0.0.1, port: 1}, h2: {host: 127.0.0.1, port: 2}}\n'
  // The others begin, or stand above.
  const ofReading = ['typing', 'type', 'order'].flatMap((kind) => mistakes[kind] ?? [])
  const ofMistakes = ofReading.map(([name, {yaml}]) => [name, yaml] as const)
  const rows = [...Object.entries(atStart).map(([name, yaml]) => [name, `${hosts}${yaml}\n`] as const), ...ofMistakes]
  const files = rows.map(([, yaml]) => {
    const path = join(mkdtempSync(join(folder, 'case-')), 'pgroute66.yml')
    writeFileSync(path, fill(yaml), {mode: 0o600})
    return path
  })
  const served = await servedEach(files)
  expect(served).toHaveLength(rows.length)
  const checked = await Promise.all(
    files.map((path) =>
      loadConfig({path, env: {HOME: folder}, cwd: folder, trial: startTrial}).then(
        () => true,
        () => false,
      ),
    ),
  )
  const name = (index: number) => `${rows[index]?.[0]}: ${served[index]?.refused?.message ?? ''}`
  const refused = [...served.keys()].filter((index) => served[index]?.refused !== null)
  expect(refused.filter((index) => served[index]?.refused?.code === 'BUG').map(name)).toEqual([])
  expect(refused.length).toBeGreaterThanOrEqual(40)
  expect(refused.filter((index) => checked[index]).map(name)).toEqual([])
  // Each of these is refused by serve itself, not only by the reader of the file.
  const kept = Object.keys(atStart).filter((_, index) => served[index]?.refused === null)
  expect(kept).toEqual([])
})
