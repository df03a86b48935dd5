import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {connect} from 'node:net'
import {expect, onTestFinished, test} from 'vitest'
import {PatroniMember} from '../../src/patroni/member.ts'
import {Transport} from '../../src/patroni/transport.ts'
import {lacks} from '../support/parts.ts'

/** Accepts nothing: once its queue is full, the kernel answers no handshake. */
const listener = `
import socket, sys, time
s = socket.socket()
s.bind(('127.0.0.1', 0))
s.listen(0)
print(s.getsockname()[1], flush=True)
time.sleep(600)
`

test.skipIf(lacks('python3'))(
  'a handshake without an answer ends after connectMs, and nothing was sent; the request itself may wait',
  async () => {
    const child = spawn('python3', ['-c', listener], {stdio: ['ignore', 'pipe', 'inherit']})
    onTestFinished(() => void child.kill('SIGKILL'))
    const [chunk] = await once(child.stdout, 'data')
    const port = Number(String(chunk))
    const fill = Array.from({length: 4}, () => connect(port, '127.0.0.1').on('error', () => {}))
    onTestFinished(() => {
      for (const socket of fill) socket.destroy()
    })
    await once(fill[0] as (typeof fill)[number], 'connect')
    const member = new PatroniMember(`http://127.0.0.1:${port}`, new Transport({liveness: {connectMs: 500}}))
    const call = member.health('/leader', {timeoutMs: 3_600_000})
    await expect(call).rejects.toMatchObject({kind: 'transport', reason: 'timeout', delivery: 'not-sent'})
  },
)
