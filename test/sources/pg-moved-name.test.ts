import {once} from 'node:events'
import {connect, createServer} from 'node:net'
import {afterAll, beforeAll, expect, onTestFinished, test} from 'vitest'
import {noMeter} from '../../src/core/no-meter.ts'
import {isFailure} from '../../src/core/ports.ts'
import {silentLog} from '../../src/core/silent-log.ts'
import {nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {startMonitor} from '../../src/monitor/monitor.ts'
import {pgDriver} from '../../src/sources/pg/driver.ts'
import {systemClock} from '../../src/system/clock.ts'
import {type Fakes, startFakes} from '../support/fake-postgres.ts'
import {hostSettings, monitorSettings} from '../support/settings.ts'
import {until} from './pg-until.ts'

let servers: Fakes
beforeAll(async () => {
  servers = await startFakes(1)
})
afterAll(() => servers.stop())

/** The same port at the second address leads to the same server. */
async function secondAddress(port: number): Promise<string> {
  const address = '127.0.0.2'
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    near.on('error', () => far.destroy()).pipe(far)
    far.on('error', () => near.destroy()).pipe(near)
  }).listen(port, address)
  await once(proxy, 'listening')
  onTestFinished(() => void proxy.close())
  return address
}

test('R9: a name moves while its old server lives on: the monitor opens a session on the new server', async () => {
  const [port = 0] = servers.ports
  const [before, after] = ['127.0.0.1', await secondAddress(port)]
  let address = before
  const opened: (string | null)[] = []
  const settings = monitorSettings([hostSettings('host1', {host: 'db.test', port})], {probe: {knockIntervalMs: 100}})
  await using monitor = await startMonitor({
    settings,
    driver(host) {
      const resolve = async () => [{address, family: 4}]
      const driver = pgDriver({host, probe: settings.probe, availability: null, clock: systemClock, resolve})
      return {
        ...driver,
        async open(signal) {
          const session = await driver.open(signal)
          if (!isFailure(session)) opened.push(session.facts.remoteAddress)
          return session
        },
      }
    },
    clock: systemClock,
    random: Math.random,
    store: {load: async () => nothingRemembered, save: async () => {}},
    log: silentLog,
    meter: noMeter,
    version: 'test',
  })
  await monitor.ready
  expect(opened).toEqual([before])
  address = after
  await until(
    () => opened.at(-1),
    (latest) => latest === after,
  )
  expect(monitor.current().hosts.host1?.role).toBe('primary')
})
