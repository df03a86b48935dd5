import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test} from 'vitest'
import {getUnix} from '../../src/sources/daemon/get-unix.ts'

test('a check that was held up reads the waiting answer before it calls the daemon silent', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'pgroute66-delay-')), 'daemon.sock')
  // In another process, and not at once: it answers while this one is busy.
  const daemon = `
    const answer = (response) => setTimeout(() => response.end('{}'), 400)
    require('node:http').createServer((_, response) => console.log('asked') ?? answer(response))
      .listen(process.argv[1], () => console.log('listening'))`
  const child = spawn(process.execPath, ['-e', daemon, path], {stdio: ['ignore', 'pipe', 'inherit']})
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const limitMs = 3_000
  const end = performance.now() + limitMs + 500
  const reply = getUnix(path, '/v1/check', limitMs)
  await once(child.stdout, 'data')
  // In the check phase, which timers follow before sockets are read.
  setImmediate(() => {
    while (performance.now() < end);
  })
  expect(await reply).toMatchObject({status: 200, body: '{}'})
})
