import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {onTestFinished, test} from 'vitest'
import {hostsYaml, testCluster, until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {start} from '../support/run.ts'
import {freePort} from '../support/site.ts'

test.skipIf(lacks('systemd-notify') || lacks('socat'))(
  'systemd hears READY with the verdict, WATCHDOG while hosts answer, and STOPPING',
  async () => {
    const cluster = await testCluster({nodes: 1})
    const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-systemd-'))
    await writeFile(join(cwd, 'pgroute66.yml'), `${hostsYaml(cluster)}\nport: ${await freePort()}\n`, {mode: 0o600})
    const socket = join(cwd, 'notify.sock')
    const listener = spawn('socat', ['-u', `UNIX-RECV:${socket}`, '-'], {stdio: ['ignore', 'pipe', 'inherit']})
    onTestFinished(() => void listener.kill('SIGKILL'))
    let heard = ''
    listener.stdout.on('data', (chunk) => {
      heard += chunk
    })
    await until(() => existsSync(socket))
    const env = {PATH: process.env.PATH ?? '', NOTIFY_SOCKET: socket, WATCHDOG_USEC: '600000'}
    const serve = start(['pgroute66.yml'], {cwd, env})
    await until(() => heard.includes('WATCHDOG=1'))
    assert.match(heard, /^READY=1\nSTATUS=all: primary host1/)
    serve.child.kill('SIGTERM')
    assert.equal((await serve.ended).code, 0)
    await until(() => heard.includes('STOPPING=1'))
  },
)

test('without systemd-notify: one log line, and the daemon works on', async () => {
  const cluster = await testCluster({nodes: 1})
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-systemd-'))
  await writeFile(join(cwd, 'pgroute66.yml'), `${hostsYaml(cluster)}\nport: ${await freePort()}\n`, {mode: 0o600})
  const serve = start(['pgroute66.yml'], {
    cwd,
    env: {PATH: '/nowhere', NOTIFY_SOCKET: '/nowhere/notify', WATCHDOG_USEC: '300000'},
  })
  await serve.sees('systemd-notify failed (ENOENT)')
  serve.child.kill('SIGTERM')
  const {code, stdout, stderr} = await serve.ended
  assert.equal(code, 0)
  assert.equal((stdout + stderr).split('systemd-notify failed').length, 2)
})
