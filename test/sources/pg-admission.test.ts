import {once} from 'node:events'
import {type AddressInfo, createServer} from 'node:net'
import {expect, onTestFinished, test} from 'vitest'
import {Admission} from '../../src/core/admission.ts'
import {noMeter} from '../../src/core/no-meter.ts'
import {silentLog} from '../../src/core/silent-log.ts'
import {causeOf} from '../../src/core/snapshot.ts'
import {nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {startMonitor} from '../../src/monitor/monitor.ts'
import {driverFor} from '../../src/sources/pg/host-drivers.ts'
import {systemClock} from '../../src/system/clock.ts'
import {groupSettings, hostSettings, monitorSettings} from '../support/settings.ts'

/** cannot_connect_now: the login is answered, and over. */
const notYet = Buffer.from('SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0')
const refusal = Buffer.concat([Buffer.from('E'), Buffer.alloc(4), notYet])
refusal.writeInt32BE(notYet.length + 4, 1)

test('the logins of a start, on real sockets: not all at once, and every host is asked', async () => {
  const hosts = Array.from({length: 300}, (_, index) => `host${index}`)
  let [atOnce, most] = [0, 0]
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      atOnce += 1
      most = Math.max(most, atOnce)
      setTimeout(() => {
        atOnce -= 1
        socket.end(refusal)
      }, 20)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const {port} = server.address() as AddressInfo
  const settings = monitorSettings(
    hosts.map((name) => hostSettings(name, {host: '127.0.0.1', port, user: 'postgres', sslmode: 'disable'})),
    {groups: [groupSettings('all', hosts)], probe: {timeoutMs: 60_000, connectTimeoutMs: 60_000, maxAgeMs: 200_000}},
  )
  await using monitor = await startMonitor({
    settings,
    driver: driverFor(settings, systemClock, silentLog),
    admission: new Admission(systemClock),
    clock: systemClock,
    random: Math.random,
    store: {load: async () => nothingRemembered, save: async () => {}},
    log: silentLog,
    meter: noMeter,
    version: 'test',
  })
  await monitor.ready
  const {hosts: states} = monitor.current()
  expect(hosts.filter((name) => states[name] === undefined || causeOf(states[name]) !== 'not-accepting')).toEqual([])
  // A place is given back after 100 ms, answered or not: on a busy machine there are some more than 32.
  expect(most).toBeLessThanOrEqual(100)
  expect(most).toBeGreaterThan(1)
})
