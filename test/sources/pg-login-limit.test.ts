import {once} from 'node:events'
import {type AddressInfo, createServer} from 'node:net'
import {setTimeout as sleep} from 'node:timers/promises'
import {expect, onTestFinished, test} from 'vitest'
import {scramServer} from '../support/scram-server.ts'
import {driverFor, within} from './pg-server.ts'

const [limitMs, stepMs] = [4_000, 1_600]

const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
const authentication = (kind: number, text = '') => {
  const code = Buffer.alloc(4)
  code.writeInt32BE(kind)
  return message('R', Buffer.concat([code, Buffer.from(text)]))
}
const tooMany = message('E', Buffer.from('SFATAL\0VFATAL\0C53300\0Mtoo many clients\0\0'))

test('each answer of a login has the limit, not the login: what is computed between them is not counted', async () => {
  const server = createServer(async (socket) => {
    socket.on('error', () => {})
    const scram = scramServer('pgroute66')
    const heard = async () => {
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      await sleep(stepMs)
      return chunk
    }
    await heard()
    socket.write(authentication(10, 'SCRAM-SHA-256\0\0'))
    const first = (await heard()).toString('utf8')
    socket.write(authentication(11, scram.challenge(first.slice(first.indexOf('n,,')))))
    const last = (await heard()).toString('utf8', 5)
    socket.end(Buffer.concat([authentication(12, scram.verdict(last) ?? ''), authentication(0), tooMany]))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const {port} = server.address() as AddressInfo
  const password = {from: 'config', text: 'pgroute66'} as const
  const driver = driverFor({port, user: 'u', sslmode: 'disable', password}, {connectTimeoutMs: limitMs})
  expect(await driver.open(within(60_000))).toMatchObject({cause: 'too-many-connections'})
})
