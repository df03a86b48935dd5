import {readFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import type {OpenConsole} from '../../src/actuators/pgbouncer/console.ts'
import {systemClock} from '../../src/system/clock.ts'
import {until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {drained, primary, standby} from '../support/snapshots.ts'
import {
  actuatorFor,
  client,
  nowhere,
  options,
  pgbouncer,
  pgbouncerConsole,
  pgbouncerStage,
  whereIs,
} from './pgbouncer-stage.ts'

describe.skipIf(lacks('PgBouncer') || lacks('PostgreSQL 15'))('pauses of a real PgBouncer', () => {
  const {at, led, noPrimary, port, see} = pgbouncerStage()

  test('a drained primary: open transactions end, new queries wait for the next primary', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    const [busy, late] = [await client(running), await client(running)]
    await busy.query('begin')
    await busy.query(whereIs)
    const draining = see({host1: primary({drained}), host2: standby()})
    const pending = await actuator.apply(draining, options)
    expect(pending).toMatchObject({
      outcome: 'failed',
      problems: [expect.stringContaining(`transactions at ${at('host1')} end`)],
    })
    expect(pending.againMs).toBeLessThanOrEqual(50)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    const answer = late.query(whereIs)
    await busy.query('commit')
    await until(async () => (await actuator.apply(draining, options)).outcome === 'in-sync')
    expect(await actuator.apply(led('host2'), options)).toMatchObject({outcome: 'applied', problems: []})
    expect((await answer).rows).toEqual([{port: port('host2')}])
  })

  test("a dry run resumes no operator's pause, neither in a maintenance nor at its end", async () => {
    const running = await pgbouncer()
    await actuatorFor(running).apply(led('host1'), options)
    await running.ask('PAUSE app')
    const actuator = actuatorFor(running)
    expect(await actuator.apply(led('host2'), {...options, dryRun: true})).toMatchObject({outcome: 'planned'})
    await actuator.rest?.(options.signal)
    await actuator[Symbol.asyncDispose]()
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
  })

  test('a maintenance that begins during a pause resumes the waiting clients', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    await actuator.apply(noPrimary(), options)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    await actuator.rest?.(options.signal)
    expect(await running.leads('app')).toBe(at('host1'))
  })

  test('no primary: clients wait until pauseMs is over, then as for a server that is down', async () => {
    const running = await pgbouncer()
    const time = {lateMs: 0}
    const actuator = actuatorFor(running, {time})
    await actuator.apply(led('host1'), options)
    const waiting = await client(running)
    const {againMs} = await actuator.apply(noPrimary(), options)
    expect(againMs).toBeGreaterThan(0)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    expect(await readFile(running.include, 'utf8')).toContain('host=/pgroute66/nowhere')
    const answer = waiting.query(whereIs)
    time.lateMs = 60_000
    expect(await actuator.apply(noPrimary(), options)).toMatchObject({
      outcome: 'applied',
      steps: ['RELOAD', 'RESUME app'],
    })
    expect(await running.leads('app')).toBe(nowhere)
    expect((await actuator.apply(led('host2'), options)).steps).not.toContain('PAUSE app')
    expect((await answer).rows).toEqual([{port: port('host2')}])
  })

  test('a primary that returns within the pause answers the clients that waited, old ones and new ones', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    const before = await client(running)
    await before.query(whereIs)
    await actuator.apply(noPrimary(), options)
    const newcomer = await client(running)
    const answers = [before.query(whereIs), newcomer.query(whereIs)]
    expect((await actuator.apply(led('host1'), options)).steps).toEqual([
      expect.stringContaining('write'),
      'RESUME app',
    ])
    for (const {rows} of await Promise.all(answers)) expect(rows).toEqual([{port: port('host1')}])
  })

  test("an operator's pause stays; a pause left by a former process of the daemon is ended", async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    await running.ask('PAUSE app')
    await actuator.apply(led('host2'), options)
    expect(await running.leads('app')).toBe(`${at('host2')} paused`)
    await actuatorFor(running).apply(led('host2'), options)
    expect(await running.leads('app')).toBe(at('host2'))
  })

  test("an operator's pause also stays when a reload makes the actuator anew", async () => {
    const running = await pgbouncer()
    await actuatorFor(running).apply(led('host1'), options)
    await running.ask('PAUSE app')
    await actuatorFor(running, {isFirst: false}).apply(led('host1'), options)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
  })

  test('an operator has paused all of PgBouncer: the database still moves, and RESUME shows the new host', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    await running.ask('PAUSE')
    expect(await actuator.apply(led('host2'), options)).toMatchObject({outcome: 'applied', problems: []})
    await running.ask('RESUME')
    expect(await running.leads('app')).toBe(at('host2'))
    await running.ask('PAUSE')
    expect(await actuator.apply(noPrimary(), options)).toMatchObject({outcome: 'applied'})
    await running.ask('RESUME')
    expect(await running.leads('app')).toBe(nowhere)
  })

  test('a RESUME that is lost when a maintenance begins is sent again', async () => {
    const running = await pgbouncer()
    let isLost = false
    const open: OpenConsole = async (admin, signal) => {
      const console = await pgbouncerConsole(systemClock)(admin, signal)
      const ask = (text: string, within: AbortSignal) =>
        isLost && text.startsWith('RESUME') ? Promise.reject(new Error('lost')) : console.ask(text, within)
      return {
        ask,
        get isOver() {
          return console.isOver
        },
        [Symbol.dispose]: () => console[Symbol.dispose](),
      }
    }
    const actuator = actuatorFor(running, {open})
    await actuator.apply(led('host1'), options)
    await actuator.apply(noPrimary(), options)
    isLost = true
    await actuator.rest?.(options.signal)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    isLost = false
    await actuator.rest?.(options.signal)
    expect(await running.leads('app')).toBe(at('host1'))
  })

  test('a daemon that stops resumes the waiting clients', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    await actuator.apply(noPrimary(), options)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    await actuator[Symbol.asyncDispose]()
    expect(await running.leads('app')).toBe(nowhere)
  })
})
