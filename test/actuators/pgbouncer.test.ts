import {chown, mkdir, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import {pgbouncerActuator} from '../../src/actuators/pgbouncer/actuator.ts'
import {consoleOver, type OpenConsole} from '../../src/actuators/pgbouncer/console.ts'
import type {PgbouncerDatabase, PgbouncerSettings} from '../../src/core/actuator-settings.ts'
import type {Clock} from '../../src/core/ports.ts'
import type {Snapshot} from '../../src/core/snapshot.ts'
import {connectionOpener} from '../../src/sources/pg/connection.ts'
import {systemClock} from '../../src/system/clock.ts'
import {type Cluster, startTestCluster, until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {type Pgbouncer, type PgbouncerOptions, startPgbouncer} from '../support/pgbouncer.ts'
import {drained, type HostDraft, primary, snapshot, standby, unavailable} from '../support/snapshots.ts'

const pgbouncerConsole = (clock: Clock) => consoleOver(connectionOpener(clock))

const app: PgbouncerDatabase = {role: 'primary', group: null, dbname: 'postgres', options: null}
const options = {
  dryRun: false,
  isOutdated: () => false,
  get signal() {
    return AbortSignal.timeout(60_000)
  },
}

describe.skipIf(lacks('PgBouncer') || lacks('PostgreSQL 15'))('a real PgBouncer follows the verdict', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startTestCluster({nodes: 2})
    return () => cluster[Symbol.asyncDispose]()
  })

  const port = (host: string) => cluster.node(host).port
  const see = (
    hosts: Readonly<Record<string, HostDraft>>,
    special: Partial<Parameters<typeof snapshot>[0]> = {},
  ): Snapshot =>
    snapshot({
      hosts: Object.fromEntries(
        Object.entries(hosts).map(([host, draft]) => [host, {address: '127.0.0.1', ...draft, port: port(host)}]),
      ),
      ...special,
    })
  const led = (by: 'host1' | 'host2') =>
    see({host1: by === 'host1' ? primary() : standby(by), host2: by === 'host2' ? primary() : standby(by)})
  const noPrimary = () => see({host1: unavailable('refused'), host2: standby('host1')})
  const at = (host: string) => `127.0.0.1:${port(host)}`
  const nowhere = '/pgroute66/nowhere:1'

  async function pgbouncer(given: PgbouncerOptions = {}): Promise<Pgbouncer> {
    const started = await startPgbouncer(given)
    onTestFinished(() => started[Symbol.asyncDispose]())
    return started
  }
  type Special = Partial<PgbouncerSettings> & {
    /** `lateMs`: milliseconds that the actuator's clock is ahead of the real one. */
    time?: {lateMs: number}
    open?: OpenConsole
    isFirst?: boolean
  }
  /** A pause may last a minute, so that a busy machine does not reach the limit. */
  function actuatorFor(
    running: Pick<Pgbouncer, 'admin' | 'include'>,
    {time = {lateMs: 0}, open, isFirst = true, ...special}: Special = {},
  ) {
    const clock = {...systemClock, now: () => systemClock.now() + time.lateMs}
    const {admin, include} = running
    const settings = {admin, include, databases: {app}, pauseMs: 60_000, ...special}
    return pgbouncerActuator(settings, {
      openConsole: open ?? pgbouncerConsole(clock),
      fallback: () => 'primary',
      clock,
      isFirst,
    })
  }
  async function client(running: Pgbouncer, database = 'app') {
    const connected = await running.connect(database)
    onTestFinished(() => connected.end())
    return connected
  }
  const whereIs = 'select inet_server_port() as port'

  test('the include file keeps its mode and owner, and a second pass sends no command', async () => {
    const running = await pgbouncer()
    const before = await stat(running.include)
    const actuator = actuatorFor(running)
    expect(await actuator.apply(led('host1'), options)).toEqual({
      outcome: 'applied',
      steps: [`write ${running.include}: app -> ${at('host1')}`, 'RELOAD'],
      problems: [],
    })
    expect(await running.leads('app')).toBe(at('host1'))
    const after = await stat(running.include)
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid])
    expect(after.ino).not.toBe(before.ino)
    expect(await readdir(running.folder)).not.toContainEqual(expect.stringContaining('.tmp'))
    expect(await actuator.apply(led('host1'), options)).toEqual({outcome: 'in-sync', steps: [], problems: []})
    expect(actuator.name).toBe(`pgbouncer 127.0.0.1:${running.port}`)
  })

  test('a switch is PAUSE, file, RELOAD, RESUME: clients wait, and keep their connections', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    const clients = await Promise.all([client(running), client(running), client(running)])
    for (const each of clients) expect((await each.query(whereIs)).rows).toEqual([{port: port('host1')}])
    const {outcome, steps} = await actuator.apply(led('host2'), options)
    expect([outcome, steps]).toEqual([
      'applied',
      ['PAUSE app', `write ${running.include}: app -> ${at('host2')}`, 'RELOAD', 'RESUME app'],
    ])
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

  test('a console connection lost after PAUSE: the daemon still ends that pause', async () => {
    const running = await pgbouncer()
    let opened = 0
    const open: OpenConsole = (admin, signal) => {
      opened += 1
      return opened === 3
        ? Promise.reject(new Error('no more connections'))
        : pgbouncerConsole(systemClock)(admin, signal)
    }
    const actuator = actuatorFor(running, {open})
    await actuator.apply(led('host1'), options)
    const busy = await client(running)
    await busy.query('begin')
    await busy.query(whereIs)
    expect(await actuator.apply(led('host2'), options)).toMatchObject({
      outcome: 'failed',
      problems: ['no more connections'],
    })
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    await busy.query('commit')
    await until(async () => (await actuator.apply(led('host2'), options)).outcome === 'in-sync')
    expect(await running.leads('app')).toBe(at('host2'))
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

  test.each([60_000, null])(
    'a deposed primary that hangs (pauseMs %s): its connections in use are cut, other clients go on',
    async (pauseMs) => {
      const running = await pgbouncer()
      const actuator = actuatorFor(running, {pauseMs})
      await actuator.apply(led('host1'), options)
      const stuck = await client(running)
      await stuck.query('begin')
      await stuck.query(whereIs)
      cluster.node('host1').hang()
      onTestFinished(() => cluster.node('host1').thaw())
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
    expect(await actuatorFor(running).apply(starting, options)).toEqual({outcome: 'in-sync', steps: [], problems: []})
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

  test('an include file that cannot be written is a problem with advice, and pauses no client', async () => {
    const running = await pgbouncer()
    const actuator = actuatorFor(running)
    await actuator.apply(led('host1'), options)
    const busy = await client(running)
    // Root may write everywhere, but not over a folder.
    const blocked = `${running.include}.${process.pid}.tmp`
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
          async ask(text) {
            sent.push(text)
            const rows = await console.ask(text)
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

  const isRoot = process.getuid?.() === 0
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
      const ask = (text: string) =>
        isLost && text.startsWith('RESUME') ? Promise.reject(new Error('lost')) : console.ask(text)
      return {ask, [Symbol.dispose]: () => console[Symbol.dispose]()}
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
