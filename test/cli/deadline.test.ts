import assert from 'node:assert/strict'
import {execFileSync} from 'node:child_process'
import {once} from 'node:events'
import {closeSync, constants, openSync} from 'node:fs'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {type AddressInfo, createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'vitest'
import {until} from '../support/cluster.ts'
import {run, start} from '../support/run.ts'

/** A pipe without a reader cannot be opened for writing (ENXIO). */
function isRead(pipe: string): boolean {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK))
    return true
  } catch {
    return false
  }
}

const folder = () => mkdtemp(join(tmpdir(), 'pgroute66-deadline-'))

test('deadline: a server accepts and never answers: exit 3 in time, and the text names the host', async () => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const {port} = server.address() as AddressInfo
  const cwd = await folder()
  await writeFile(
    join(cwd, 'pgroute66.yml'),
    `hosts: {host1: {host: 127.0.0.1, port: ${port}, sslmode: disable}}\ncheck: {timeout: 5s}\n`,
    {mode: 0o600},
  )
  const {code, stdout, ms} = await run(['check', 'host1', '--direct'], {cwd})
  server.close()
  assert.equal(code, 3, stdout)
  assert.match(stdout, /host1.*timeout/)
  assert.ok(ms < 10_000, `${ms}`)
})

test('deadline: a thread hangs while reading the configuration: exit 3 in time', async () => {
  const cwd = await folder()
  const pipe = join(cwd, 'pgroute66.yml')
  execFileSync('mkfifo', [pipe])
  for (const args of [
    ['check', 'host1', '--timeout', '800ms'],
    ['check', '--timeout', '800ms', '--json'],
    ['check', '-t', '800ms', '--format', 'nagios'],
  ]) {
    const {code, stdout, ms} = await run(args, {cwd})
    assert.equal(code, 3, stdout)
    assert.match(stdout, /no answer within 800 ms/)
    assert.ok(ms < 10_000, `${ms}`)
  }
})

test('deadline: SIGTERM while a thread hangs: exit 3, and the text names the signal', async () => {
  const cwd = await folder()
  const pipe = join(cwd, 'pgroute66.yml')
  execFileSync('mkfifo', [pipe])
  const check = start(['check', '--timeout', '20s'], {cwd})
  await until(async () => isRead(pipe))
  check.child.kill('SIGTERM')
  const {code, stdout, ms} = await check.ended
  assert.deepEqual([code, stdout], [3, 'ended by SIGTERM before there was an answer\n'])
  assert.ok(ms < 15_000, `${ms}`)
})
