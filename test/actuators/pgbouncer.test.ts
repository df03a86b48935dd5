import {readdir, readFile, stat} from 'node:fs/promises'
import {describe, expect, onTestFinished, test} from 'vitest'
import type {Applied} from '../../src/core/actuator.ts'
import {until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {primary, standby, unavailable} from '../support/snapshots.ts'
import {actuatorFor, app, client, options, pgbouncer, pgbouncerStage, whereIs} from './pgbouncer-stage.ts'

const databases = ({reading}: Applied) => (reading?.kind === 'pgbouncer' ? reading.databases : [])

describe.skipIf(lacks('PgBouncer') || lacks('PostgreSQL 15'))('a real PgBouncer follows the verdict', () => {
  const {at, led, node, noPrimary, port, see} = pgbouncerStage()

  test('the include file keeps its mode and owner, and a second pass sends no command', async () => {
    const running = await pgbouncer()
    const before = await stat(running.include)
    const actuator = actuatorFor(running)
    expect(await actuator.apply(led('host1'), options)).toMatchObject({
      outcome: 'applied',
      steps: [`write ${running.include}: app -> ${at('host1')}`, 'RELOAD'],
      problems: [],
    })
    expect(await running.leads('app')).toBe(at('host1'))
    const after = await stat(running.include)
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid])
    expect(after.ino).not.toBe(before.ino)
    expect(await readdir(running.folder)).not.toContainEqual(expect.stringContaining('.tmp'))
    expect(await actuator.apply(led('host1'), options)).toMatchObject({outcome: 'in-sync', steps: [], problems: []})
    expect(actuator.name).toBe(`pgbouncer 127.0.0.1:${running.port}`)
  })

  test('a switch is PAUSE, file, RELOAD, RESUME: clients wait, and keep their connections', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    const clients = await Promise.all([client(running), client(running), client(running)])
    for (const each of clients) expect((await each.query(whereIs)).rows).toEqual([{port: port('host1')}])
    const {outcome, steps, reading} = await actuator.apply(led('host2'), options)
    expect([outcome, steps]).toEqual([
      'applied',
      ['PAUSE app', `write ${running.include}: app -> ${at('host2')}`, 'RELOAD', 'RESUME app'],
    ])
    expect(reading).toEqual({
      kind: 'pgbouncer',
      databases: [
        {
          name: 'app',
          role: 'primary',
          group: null,
          leadsTo: {host: '127.0.0.1', port: port('host2')},
          hosts: ['host2'],
          paused: null,
          isDisabled: false,
          connections: expect.any(Number),
        },
      ],
    })
    const [gone] = databases(await actuator.apply(noPrimary(), options))
    expect(gone).toMatchObject({leadsTo: {port: port('host2')}, hosts: ['host2'], paused: {by: 'pgroute66'}})
    await actuator.apply(led('host2'), options)
    await running.ask('PAUSE app')
    const [held] = databases(await actuator.apply(led('host2'), options))
    await running.ask('RESUME app')
    expect(held).toMatchObject({paused: {by: 'another'}})
    for (const each of clients) expect((await each.query(whereIs)).rows).toEqual([{port: port('host2')}])
  })

  test('without pauseMs a switch pauses no client', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running, {pauseMs: null})
    await actuator.apply(led('host1'), options)
    expect((await actuator.apply(led('host2'), options)).steps).toEqual([
      `write ${running.include}: app -> ${at('host2')}`,
      'RELOAD',
    ])
  })

  test.each([60_000, null])(
    'a deposed primary that hangs (pauseMs %s): its connections in use are cut, other clients go on',
    async (pauseMs) => {
      const running = await pgbouncer()
      const actuator = actuatorFor(running, {pauseMs})
      await actuator.apply(led('host1'), options)
      const stuck = await client(running)
      await stuck.query('begin')
      await stuck.query(whereIs)
      node('host1').hang()
      onTestFinished(() => node('host1').thaw())
      const lost = stuck.query(whereIs).catch((error) => error.message)
      const {outcome, steps} = await actuator.apply(see({host1: unavailable('hung'), host2: primary()}), options)
      expect([outcome, steps.slice(-3)]).toEqual(['applied', ['RELOAD', 'KILL app', 'RESUME app']])
      expect(await lost).toBe('database removed')
      expect((await (await client(running)).query(whereIs)).rows).toEqual([{port: port('host2')}])
    },
  )

  test('without a successor no connection is cut, and never a transaction on a standby', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    const busy = await client(running)
    await busy.query('begin')
    for (const view of [noPrimary(), see({host1: primary(), host2: primary()}), led('host2')]) {
      const {steps} = await actuator.apply(view, options)
      expect(steps).not.toContain('KILL app')
    }
    expect((await busy.query(whereIs)).rows).toEqual([{port: port('host1')}])
    await busy.query('commit')
    await until(async () => (await actuator.apply(led('host2'), options)).outcome !== 'failed')
    expect((await busy.query(whereIs)).rows).toEqual([{port: port('host2')}])
  })

  test('readers move without a pause and fall back to the primary; a database name may need quotes', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running, {databases: {'App-1': app, app_ro: {...app, role: 'replica'}}})
    await actuator.apply(led('host1'), options)
    expect([await running.leads('App-1'), await running.leads('app_ro')]).toEqual([at('host1'), at('host2')])
    const {steps} = await actuator.apply(see({host1: unavailable(), host2: primary()}), options)
    expect(steps).toEqual(['PAUSE App-1', expect.stringContaining('write'), 'RELOAD', 'RESUME App-1'])
    expect([await running.leads('App-1'), await running.leads('app_ro')]).toEqual([at('host2'), at('host2')])
  })

  test('a group that is starting (V0) keeps its hosts', async () => {
    const running = await pgbouncer()
    await actuatorFor(running).apply(led('host1'), options)
    const starting = see(
      {host1: primary(), host2: standby()},
      {verdict: {kind: 'starting', rule: 'V0', primary: null, routedTo: null}},
    )
    expect(await actuatorFor(running).apply(starting, options)).toMatchObject({
      outcome: 'in-sync',
      steps: [],
      problems: [],
    })
    expect(await running.leads('app')).toBe(at('host1'))
  })

  test('a dry run lists the commands and sends none', async () => {
    const running = await pgbouncer()
    const {outcome, steps} = await actuatorFor(running).apply(led('host1'), {...options, dryRun: true})
    expect([outcome, steps]).toEqual([
      'planned',
      [expect.stringContaining('write'), expect.stringContaining('RELOAD  # ')],
    ])
    expect(await readFile(running.include, 'utf8')).toBe('')
  })
})
