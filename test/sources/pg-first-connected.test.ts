import {once} from 'node:events'
import {type AddressInfo, connect, createServer, Socket} from 'node:net'
import {expect, onTestFinished, test} from 'vitest'
import {firstConnected} from '../../src/sources/pg/limits/first-connected.ts'
import {RoundTrips} from '../../src/sources/pg/limits/patience.ts'
import {VirtualClock} from '../support/virtual-clock.ts'
import {freePort} from './pg-server.ts'

/** A socket whose SYN is lost: it never connects and never fails. */
const silent = () => new Socket()

async function server(): Promise<number> {
  const listening = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  onTestFinished(() => void listening.close())
  return (listening.address() as AddressInfo).port
}

/** Sockets are opened in this order; a socket more than that fails the test. */
function attempt(...kinds: readonly (() => Socket)[]) {
  const clock = new VirtualClock()
  const caller = new AbortController()
  const opened: Socket[] = []
  const open = () => {
    const socket = (kinds[opened.length] as () => Socket)()
    onTestFinished(() => void socket.destroy())
    opened.push(socket)
    return socket
  }
  const roundTrips = new RoundTrips(clock)
  return {clock, caller, opened, connected: firstConnected(open, {clock, signal: caller.signal, roundTrips})}
}

test('the first socket connects: there is no second one', async () => {
  const port = await server()
  const {clock, opened, connected} = attempt(() => connect(port, '127.0.0.1'))
  expect(await connected).toBe(opened[0])
  await clock.run(1_000)
  expect(opened).toHaveLength(1)
  expect(clock.pending).toBe(0)
})

test('the first SYN is lost: after 300 ms a second one leaves, and its socket wins', async () => {
  const port = await server()
  const {clock, opened, connected} = attempt(silent, () => connect(port, '127.0.0.1'))
  await clock.run(299)
  expect(opened).toHaveLength(1)
  await clock.run(1)
  expect(await connected).toBe(opened[1])
  expect(opened.map(({destroyed}) => destroyed)).toEqual([true, false])
})

test('the second socket is refused: that is the answer, and no socket is left', async () => {
  const port = await freePort()
  const {clock, opened, connected} = attempt(silent, () => connect(port, '127.0.0.1'))
  const refused = expect(connected).rejects.toMatchObject({code: 'ECONNREFUSED'})
  await clock.run(300)
  await refused
  expect(opened.map(({destroyed}) => destroyed)).toEqual([true, true])
})

test('the caller gives up: no socket and no timer is left', async () => {
  const {clock, caller, opened} = attempt(silent, silent)
  await clock.run(300)
  caller.abort()
  expect(opened.map(({destroyed}) => destroyed)).toEqual([true, true])
  expect(clock.pending).toBe(0)
})
