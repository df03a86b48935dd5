import {chown, mkdir, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/system/clock.ts'
import {lacks} from '../support/parts.ts'
import {actuatorFor, client, options, pgbouncer, pgbouncerConsole, pgbouncerStage, whereIs} from './pgbouncer-stage.ts'

describe.skipIf(lacks('PgBouncer') || lacks('PostgreSQL 15'))('problems of a real PgBouncer', () => {
  const {at, led, port} = pgbouncerStage()

  const isRoot = process.getuid?.() === 0

  test('an include file that cannot be written is a problem with advice, and pauses no client', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    const busy = await client(running)
    // Root may write everywhere, but not over a folder.
    const blocked = `${running.include}.${process.pid}-2.tmp`
    await mkdir(join(blocked, 'full'), {recursive: true})
    const before = await readFile(running.include, 'utf8')
    const {outcome, steps, problems} = await actuator.apply(led('host2'), options)
    expect([outcome, steps]).toEqual(['failed', []])
    expect(problems).toEqual([
      expect.stringMatching(/pgroute66\.ini cannot be replaced \(\w+\).*let the user of pgroute66 write to /),
    ])
    expect(await readFile(running.include, 'utf8')).toBe(before)
    expect(await running.leads('app')).toBe(at('host1'))
    expect((await busy.query(whereIs)).rows).toEqual([{port: port('host1')}])
  })

  test('a file that pgroute66 has not written is left alone', async () => {
    const running = await pgbouncer()
    await writeFile(running.include, '[databases]\napp = host=db.example\n')
    const {outcome, steps, problems} = await actuatorFor(running).apply(led('host1'), options)
    expect([outcome, steps]).toEqual(['failed', []])
    expect(problems.join()).toContain('was not written by pgroute66')
    expect(await readFile(running.include, 'utf8')).toBe('[databases]\napp = host=db.example\n')
  })

  test('an include file that cannot be renamed over, such as a mount: the paused clients are resumed', async () => {
    const running = await pgbouncer()
    await actuatorFor(running).apply(led('host1'), options)
    const open = pgbouncerConsole(systemClock)
    const sent: string[] = []
    const actuator = actuatorFor(running, {
      open: async (admin, signal) => {
        const console = await open(admin, signal)
        return {
          get isOver() {
            return console.isOver
          },
          async ask(text, within) {
            sent.push(text)
            const rows = await console.ask(text, within)
            // By now the next text is in the temporary file. A folder cannot be replaced by it either.
            if (text === 'PAUSE app') await rm(running.include).then(() => mkdir(running.include))
            return rows
          },
          [Symbol.dispose]: () => console[Symbol.dispose](),
        }
      },
    })
    const {outcome, problems} = await actuator.apply(led('host2'), options)
    expect([outcome, sent.includes('PAUSE app')]).toEqual(['failed', true])
    expect(problems.join()).toContain('cannot be')
    expect(await running.leads('app')).toBe(at('host1'))
    expect(await readdir(running.folder)).not.toContainEqual(expect.stringContaining('.tmp'))
  })

  test.each([
    {
      given: 'pgbouncer.ini does not name the file',
      so: {isWithoutInclude: true},
      problem: 'has no database "app": add "%include ',
    },
    ...(isRoot
      ? [
          {
            given: "PgBouncer's user may not read the file",
            so: {},
            isHidden: true,
            problem: "let PgBouncer's user read that file",
          },
        ]
      : []),
    {
      given: 'pgbouncer.ini defines the database again',
      so: {after: 'app = host=127.0.0.1 port=1 dbname=other'},
      problem: 'remove "app" from pgbouncer.ini',
    },
  ])(
    '$given: the problem says so, the file is written, and no client is paused',
    async ({so, isHidden = false, problem}) => {
      const running = await pgbouncer(so)
      if (isHidden) {
        await rm(running.include)
        await writeFile(running.include, '', {mode: 0o600})
        await chown(running.include, 0, 0)
      }
      const actuator = actuatorFor(running)
      for (const host of ['host1', 'host2'] as const) {
        const {outcome, steps, problems} = await actuator.apply(led(host), options)
        expect([outcome, problems.join()]).toEqual(['failed', expect.stringContaining(problem)])
        expect(steps).not.toContain('PAUSE app')
        // A RELOAD that moved nothing is not repeated at once.
        expect((await actuator.apply(led(host), options)).steps).toEqual([])
      }
    },
  )

  test('PgBouncer is down: the file is corrected before PgBouncer starts', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    await running.stop()
    const {outcome, problems} = await actuator.apply(led('host2'), options)
    expect([outcome, problems.join()]).toEqual([
      'failed',
      expect.stringContaining('does not run at the address of admin'),
    ])
    await running.start()
    expect(await running.leads('app')).toBe(at('host2'))
    expect((await actuator.apply(led('host2'), options)).outcome).not.toBe('failed')
  })

  test('a wrong password is a problem with advice, and is not shown', async () => {
    const running = await pgbouncer()
    const admin = {...running.admin, password: {from: 'config', text: 'wrong'}} as const
    const {outcome, problems} = await actuatorFor({...running, admin}).apply(led('host1'), options)
    expect([outcome, problems.join()]).toEqual(['failed', expect.stringContaining('check the password')])
    expect(problems.join()).not.toContain('wrong')
  })

  test('a server_login_retry longer than a switch is a problem with advice', async () => {
    const running = await pgbouncer({settings: ['server_login_retry = 15']})
    const {outcome, problems} = await actuatorFor(running).apply(led('host1'), options)
    expect([outcome, problems]).toEqual(['applied', [expect.stringContaining('Set server_login_retry = 0.2')]])
  })
})
