import {once} from 'node:events'
import {type AddressInfo, createServer, type Socket} from 'node:net'
import {expect, onTestFinished, test} from 'vitest'
import {isFailure} from '../../src/core/ports.ts'
import {pgDriver} from '../../src/sources/pg/driver.ts'
import {systemClock} from '../../src/system/clock.ts'
import {hostSettings, probeSettings} from '../support/settings.ts'

const message = (type: string, body: Buffer | string = '') => {
  const bytes = Buffer.from(body)
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(bytes.length + 4, 1)
  return Buffer.concat([head, bytes])
}
const letIn = Buffer.concat([message('R', Buffer.alloc(4)), message('K', Buffer.alloc(8)), message('Z', 'I')])
const description = message(
  'T',
  Buffer.from([0, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
)
const row = message('D', Buffer.from([0, 1, 0, 0, 0, 1, 0x61]))
const notice = message('N', `SNOTICE\0Mhello\0\0`)

/** A server that answers the startup with `opening`, then repeats `endless` until it is cut off. */
async function hostile(opening: Buffer, endless: Buffer) {
  const sent = {bytes: 0}
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(opening)
      if (opening.length === 0) return pour(socket)
      socket.once('data', () => {
        socket.write(description)
        pour(socket)
      })
    })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const batch = Buffer.concat(Array.from({length: 1_000}, () => endless))
  const pour = (socket: Socket) => {
    while (!socket.destroyed && socket.write(batch)) sent.bytes += batch.length
    if (!socket.destroyed) socket.once('drain', () => pour(socket))
  }
  return {port: (server.address() as AddressInfo).port, sent}
}

test.each([
  {
    title: 'rows without end to a question',
    opening: letIn,
    endless: row,
    detail: /answered one question with more than 64 kB/,
  },
  {
    title: 'notices without end to a login',
    opening: Buffer.alloc(0),
    endless: notice,
    detail: /answered the login with more than 64 kB/,
  },
])('a hostile server sends $title: the session ends, and little was taken', async ({opening, endless, detail}) => {
  const {port, sent} = await hostile(opening, endless)
  const host = hostSettings('host1', {host: '127.0.0.1', port, sslmode: 'disable'})
  const driver = pgDriver({host, probe: probeSettings, availability: null, clock: systemClock})
  const session = await driver.open(AbortSignal.timeout(60_000))
  expect(isFailure(session) && session).toMatchObject({cause: 'error', detail: expect.stringMatching(detail)})
  // What the kernel's buffers hold is on its way already.
  expect(sent.bytes).toBeLessThan(32 * 1024 * 1024)
})
