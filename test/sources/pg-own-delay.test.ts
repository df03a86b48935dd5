import {afterAll, beforeAll, expect, test} from 'vitest'
import {type HostSession, isFailure} from '../../src/core/ports.ts'
import {deadline} from '../../src/core/wait.ts'
import {pgDriver} from '../../src/sources/pg/driver.ts'
import {systemClock} from '../../src/system/clock.ts'
import {type Fakes, startFakes} from '../support/fake-postgres.ts'
import {hostSettings, probeSettings} from '../support/settings.ts'

let servers: Fakes
beforeAll(async () => {
  servers = await startFakes(5)
})
afterAll(() => servers.stop())

/** Keeps this process from everything, reading sockets included. */
function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a blocked event loop fails no host: an answer that waits in the socket counts before the limit', async () => {
  const sessions = await Promise.all(
    servers.ports.map(async (port) => {
      const host = hostSettings('host1', {host: '127.0.0.1', port, sslmode: 'disable'})
      const driver = pgDriver({host, probe: probeSettings, availability: null, clock: systemClock})
      return (await driver.open(AbortSignal.timeout(60_000))) as HostSession
    }),
  )
  const limits = sessions.map(() => deadline(systemClock, 500))
  const answers = sessions.map((session, index) =>
    session.probe({nudge: false}, limits[index]?.signal ?? AbortSignal.timeout(60_000)),
  )
  // The servers answer at once, from another process; this one is busy beyond the limit.
  setImmediate(() => block(1_500))
  expect((await Promise.all(answers)).filter((answer) => isFailure(answer))).toEqual([])
  for (const session of sessions) session.close()
})
