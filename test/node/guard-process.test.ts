import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test} from 'vitest'
import {until} from '../support/cluster.ts'

const module = new URL('../../src/app/node/guard/run.ts', import.meta.url).href
const code = `
const {runGuard} = await import('${module}')
runGuard(JSON.parse(process.argv[1]), '0').then(
  (exit) => process.exit(exit),
  ({code, message}) => {
    console.error(code, message)
    process.exit(9)
  },
)
`

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-process-'))
  onTestFinished(() => rmSync(folder, {recursive: true, force: true}))
  return folder
}

/** The guard in a process of its own. No server answers at these ports. */
function guard(flags: object, folder: string): ChildProcess {
  const env = {PATH: process.env.PATH, HOME: folder, PGHOST: '127.0.0.1', PGPORT: '1', PGUSER: 'tester'}
  const argv = ['--input-type=module', '-e', code, JSON.stringify(flags)]
  const child = spawn(process.execPath, argv, {cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit']})
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

test('SIGHUP opens the log anew, and the guard goes on; SIGTERM ends it with a deny', {timeout: 120_000}, async () => {
  const folder = place()
  const [hba, log] = [join(folder, 'pg_hba.conf'), join(folder, 'guard.log')]
  writeFileSync(hba, 'local all all peer\n')
  const config = [
    'hosts: {host1: {host: 127.0.0.1, port: 1}, host2: {host: 127.0.0.1, port: 2}, host3: {host: 127.0.0.1, port: 3}}',
    'local: host1',
    `logfile: ${log}`,
    `guard: {users: {read_write: [app]}, addresses: [10.1.0.0/16], hba_file: ${hba}, socket: ${folder}/guard.sock,`,
    '  neighbours: [grpc://127.0.0.1:2, grpc://127.0.0.1:3]}',
  ].join('\n')
  writeFileSync(join(folder, 'pgroute66.yml'), config, {mode: 0o600})
  const child = guard({config: join(folder, 'pgroute66.yml'), mode: 'loop'}, folder)
  const ended = once(child, 'exit')
  await until(() => readFileSync(hba, 'utf8').includes('reject'))
  renameSync(log, `${log}.1`)
  child.kill('SIGHUP')
  await until(() => existsSync(log) || child.signalCode !== null)
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  expect(readFileSync(log, 'utf8')).toContain('stopping')
})

test("harepd's file while the server is away: the start fails, and deny is written", {timeout: 120_000}, async () => {
  const folder = place()
  const [hba, conf] = [join(folder, 'pg_hba.conf'), join(folder, 'conf.yml')]
  const text = `harepd:
  nodeName: host1
  hbaConfig: ${hba}
  haproxy: {server: [10.1.0.1], users: {readWrite: harw}}
  authModes: {allow: md5, deny: reject}
  repmgr: {db: repmgr}
  gRPC: {bindPort: 10000, neighbours: ["10.0.0.2:10000"], connectionDeadline: 1}
  watchDog: 1
`
  writeFileSync(conf, text)
  for (const [mode, isDenied] of [
    ['dry-run', false],
    ['loop', true],
  ] as const) {
    writeFileSync(hba, 'host harw harw 10.1.0.1/32 md5\n')
    expect(await once(guard({harepd: conf, mode}, folder), 'exit'), mode).toEqual([9, null])
    expect(readFileSync(hba, 'utf8').includes('reject'), mode).toBe(isDenied)
  }
})
