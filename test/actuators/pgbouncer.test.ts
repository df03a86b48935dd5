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
    return AbortSignal.timeout(10_000)
  },
}

describe.skipIf(lacks('PgBouncer') || lacks('PostgreSQL 15'))('a real PgBouncer, repointed', () => {
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
  const nobody = () => see({host1: unavailable('refused'), host2: standby('host1')})
  const at = (host: string) => `127.0.0.1:${port(host)}`
  const nowhere = '/pgroute66/nowhere:1'

  async function pgbouncer(given: PgbouncerOptions = {}): Promise<Pgbouncer> {
    const started = await startPgbouncer(given)
    onTestFinished(() => started[Symbol.asyncDispose]())
    return started
  }
  /** `lateMs`: how much more time has gone by than really has. */
  function pointed(
    running: Pick<Pgbouncer, 'admin' | 'include'>,
    special: Partial<PgbouncerSettings> = {},
    time = {lateMs: 0},
    open?: OpenConsole,
    isFirst = true,
  ) {
    const clock = {...systemClock, now: () => systemClock.now() + time.lateMs}
    const {admin, include} = running
    const settings = {admin, include, databases: {app}, pauseMs: 5_000, ...special}
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

  test('writes its file, with the mode and owner that it has, and says no more than it must', async () => {
    const running = await pgbouncer()
    const before = await stat(running.include)
    const target = pointed(running)
    expect(await target.apply(led('host1'), options)).toEqual({
      outcome: 'applied',
      steps: [`write ${running.include}: app -> ${at('host1')}`, 'RELOAD'],
      problems: [],
    })
    expect(await running.leads('app')).toBe(at('host1'))
    const after = await stat(running.include)
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid])
    expect(after.ino).not.toBe(before.ino)
    expect(await readdir(running.folder)).not.toContainEqual(expect.stringContaining('.tmp'))
    expect(await target.apply(led('host1'), options)).toEqual({outcome: 'in-sync', steps: [], problems: []})
    expect(target.name).toBe(`pgbouncer 127.0.0.1:${running.port}`)
  })

  test('a switch: paused, moved, let go; clients wait and are not dropped', async () => {
    const running = await pgbouncer()
    const target = pointed(running)
    await target.apply(led('host1'), options)
    const clients = await Promise.all([client(running), client(running), client(running)])
    for (const each of clients) expect((await each.query(whereIs)).rows).toEqual([{port: port('host1')}])
    const {outcome, steps} = await target.apply(led('host2'), options)
    expect([outcome, steps]).toEqual([
      'applied',
      ['PAUSE app', `write ${running.include}: app -> ${at('host2')}`, 'RELOAD', 'RESUME app'],
    ])
    for (const each of clients) expect((await each.query(whereIs)).rows).toEqual([{port: port('host2')}])
  })

  test('without a wish for it nobody is paused', async () => {
    const running = await pgbouncer()
    const target = pointed(running, {pauseMs: null})
    await target.apply(led('host1'), options)
    expect((await target.apply(led('host2'), options)).steps).toEqual([
      `write ${running.include}: app -> ${at('host2')}`,
      'RELOAD',
    ])
  })

  test('a drained primary: what runs may end, what comes waits; then the next one answers it', async () => {
    const running = await pgbouncer()
    const target = pointed(running)
    await target.apply(led('host1'), options)
    const [busy, late] = [await client(running), await client(running)]
    await busy.query('begin')
    await busy.query(whereIs)
    const leaving = see({host1: primary({drained}), host2: standby()})
    const pending = await target.apply(leaving, options)
    expect(pending).toMatchObject({
      outcome: 'failed',
      problems: [expect.stringContaining(`transactions go on at ${at('host1')}`)],
    })
    expect(pending.againMs).toBeLessThanOrEqual(50)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    const answer = late.query(whereIs)
    await busy.query('commit')
    await until(async () => (await target.apply(leaving, options)).outcome === 'in-sync')
    expect(await target.apply(led('host2'), options)).toMatchObject({outcome: 'applied', problems: []})
    expect((await answer).rows).toEqual([{port: port('host2')}])
  })

  test('a dry run lets nobody go, in a maintenance or at its end', async () => {
    const running = await pgbouncer()
    await pointed(running).apply(led('host1'), options)
    await running.ask('PAUSE app')
    const target = pointed(running)
    expect(await target.apply(led('host2'), {...options, dryRun: true})).toMatchObject({outcome: 'planned'})
    await target.rest?.(options.signal)
    await target[Symbol.asyncDispose]()
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
  })

  test('a maintenance begins while clients wait: they are let go', async () => {
    const running = await pgbouncer()
    const target = pointed(running)
    await target.apply(led('host1'), options)
    await target.apply(nobody(), options)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    await target.rest?.(options.signal)
    expect(await running.leads('app')).toBe(at('host1'))
  })

  test('the console is lost with a PAUSE on its way: it is ours to end all the same', async () => {
    const running = await pgbouncer()
    let opened = 0
    const open: OpenConsole = (admin, signal) => {
      opened += 1
      return opened === 3
        ? Promise.reject(new Error('no more connections'))
        : pgbouncerConsole(systemClock)(admin, signal)
    }
    const target = pointed(running, {}, {lateMs: 0}, open)
    await target.apply(led('host1'), options)
    const busy = await client(running)
    await busy.query('begin')
    await busy.query(whereIs)
    expect(await target.apply(led('host2'), options)).toMatchObject({
      outcome: 'failed',
      problems: ['no more connections'],
    })
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    await busy.query('commit')
    await until(async () => (await target.apply(led('host2'), options)).outcome === 'in-sync')
    expect(await running.leads('app')).toBe(at('host2'))
  })

  test('nobody may be written to: clients wait, for as long as the pause may last and then as they do for a server that is down', async () => {
    const running = await pgbouncer()
    const time = {lateMs: 0}
    const target = pointed(running, {}, time)
    await target.apply(led('host1'), options)
    const waiting = await client(running)
    const {againMs} = await target.apply(nobody(), options)
    expect(againMs).toBeGreaterThan(0)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    expect(await readFile(running.include, 'utf8')).toContain('host=/pgroute66/nowhere')
    const answer = waiting.query(whereIs)
    time.lateMs = 5_000
    expect(await target.apply(nobody(), options)).toMatchObject({outcome: 'applied', steps: ['RELOAD', 'RESUME app']})
    expect(await running.leads('app')).toBe(nowhere)
    expect((await target.apply(led('host2'), options)).steps).not.toContain('PAUSE app')
    expect((await answer).rows).toEqual([{port: port('host2')}])
  })

  test('a primary that was away for a moment: who asked meanwhile is answered, old clients and new', async () => {
    const running = await pgbouncer()
    const target = pointed(running)
    await target.apply(led('host1'), options)
    const before = await client(running)
    await before.query(whereIs)
    await target.apply(nobody(), options)
    const newcomer = await client(running)
    const answers = [before.query(whereIs), newcomer.query(whereIs)]
    expect((await target.apply(led('host1'), options)).steps).toEqual([expect.stringContaining('write'), 'RESUME app'])
    for (const {rows} of await Promise.all(answers)) expect(rows).toEqual([{port: port('host1')}])
  })

  test.each([5_000, null])(
    'a deposed primary that hangs (pause: %s): what is in use there is cut, and the others go on',
    async (pauseMs) => {
      const running = await pgbouncer()
      const target = pointed(running, {pauseMs})
      await target.apply(led('host1'), options)
      const stuck = await client(running)
      await stuck.query('begin')
      await stuck.query(whereIs)
      cluster.node('host1').hang()
      onTestFinished(() => cluster.node('host1').thaw())
      const lost = stuck.query(whereIs).catch((error) => error.message)
      const {outcome, steps} = await target.apply(see({host1: unavailable('hung'), host2: primary()}), options)
      expect([outcome, steps.slice(-3)]).toEqual(['applied', ['RELOAD', 'KILL app', 'RESUME app']])
      expect(await lost).toBe('database removed')
      expect((await (await client(running)).query(whereIs)).rows).toEqual([{port: port('host2')}])
    },
  )

  test('nobody is cut where no successor stands, nor a transaction on a standby', async () => {
    const running = await pgbouncer()
    const target = pointed(running)
    await target.apply(led('host1'), options)
    const busy = await client(running)
    await busy.query('begin')
    for (const view of [nobody(), see({host1: primary(), host2: primary()}), led('host2')]) {
      const {steps} = await target.apply(view, options)
      expect(steps).not.toContain('KILL app')
    }
    expect((await busy.query(whereIs)).rows).toEqual([{port: port('host1')}])
    await busy.query('commit')
    await until(async () => (await target.apply(led('host2'), options)).outcome !== 'failed')
    expect((await busy.query(whereIs)).rows).toEqual([{port: port('host2')}])
  })

  test('readers are moved without a pause, and fall back on the primary; names may need quotes', async () => {
    const running = await pgbouncer()
    const target = pointed(running, {databases: {'App-1': app, app_ro: {...app, role: 'replica'}}})
    await target.apply(led('host1'), options)
    expect([await running.leads('App-1'), await running.leads('app_ro')]).toEqual([at('host1'), at('host2')])
    const {steps} = await target.apply(see({host1: unavailable(), host2: primary()}), options)
    expect(steps).toEqual(['PAUSE App-1', expect.stringContaining('write'), 'RELOAD', 'RESUME App-1'])
    expect([await running.leads('App-1'), await running.leads('app_ro')]).toEqual([at('host2'), at('host2')])
  })

  test('a group that is asked for the first time stays as it is', async () => {
    const running = await pgbouncer()
    await pointed(running).apply(led('host1'), options)
    const starting = see(
      {host1: primary(), host2: standby()},
      {verdict: {kind: 'starting', rule: 'V0', primary: null, routedTo: null}},
    )
    expect(await pointed(running).apply(starting, options)).toEqual({outcome: 'in-sync', steps: [], problems: []})
    expect(await running.leads('app')).toBe(at('host1'))
  })

  test('a dry run says what it would do, and does nothing', async () => {
    const running = await pgbouncer()
    const {outcome, steps} = await pointed(running).apply(led('host1'), {...options, dryRun: true})
    expect([outcome, steps]).toEqual([
      'planned',
      [expect.stringContaining('write'), expect.stringContaining('RELOAD  # ')],
    ])
    expect(await readFile(running.include, 'utf8')).toBe('')
  })

  test('a file that cannot be written: said with what to do, and nobody is paused for it', async () => {
    const running = await pgbouncer()
    const target = pointed(running)
    await target.apply(led('host1'), options)
    const busy = await client(running)
    // Root may write everywhere, but not over a folder.
    const blocked = `${running.include}.${process.pid}.tmp`
    await mkdir(join(blocked, 'full'), {recursive: true})
    const before = await readFile(running.include, 'utf8')
    const {outcome, steps, problems} = await target.apply(led('host2'), options)
    expect([outcome, steps]).toEqual(['failed', []])
    expect(problems).toEqual([
      expect.stringMatching(/pgroute66\.ini cannot be replaced \(\w+\).*let this process write to /),
    ])
    expect(await readFile(running.include, 'utf8')).toBe(before)
    expect(await running.leads('app')).toBe(at('host1'))
    expect((await busy.query(whereIs)).rows).toEqual([{port: port('host1')}])
  })

  test('a file that is not ours is left alone', async () => {
    const running = await pgbouncer()
    await writeFile(running.include, '[databases]\napp = host=db.example\n')
    const {outcome, steps, problems} = await pointed(running).apply(led('host1'), options)
    expect([outcome, steps]).toEqual(['failed', []])
    expect(problems.join()).toContain('not ours to write')
    expect(await readFile(running.include, 'utf8')).toBe('[databases]\napp = host=db.example\n')
  })

  test('a file that is mounted, so that nothing can take its place: the same, and who was paused for it is let go', async () => {
    const running = await pgbouncer()
    await pointed(running).apply(led('host1'), options)
    const open = pgbouncerConsole(systemClock)
    const said: string[] = []
    const target = pointed(running, {}, {lateMs: 0}, async (admin, signal) => {
      const console = await open(admin, signal)
      return {
        async ask(text) {
          said.push(text)
          const rows = await console.ask(text)
          // Now its next text is written, but not in its place. A folder cannot be replaced either.
          if (text === 'PAUSE app') await rm(running.include).then(() => mkdir(running.include))
          return rows
        },
        [Symbol.dispose]: () => console[Symbol.dispose](),
      }
    })
    const {outcome, problems} = await target.apply(led('host2'), options)
    expect([outcome, said.includes('PAUSE app')]).toEqual(['failed', true])
    expect(problems.join()).toContain('cannot be')
    expect(await running.leads('app')).toBe(at('host1'))
    expect(await readdir(running.folder)).not.toContainEqual(expect.stringContaining('.tmp'))
  })

  const isRoot = process.getuid?.() === 0
  test.each([
    {
      given: 'pgbouncer.ini does not name the file',
      so: {isWithoutInclude: true},
      words: 'has no database "app": add "%include ',
    },
    ...(isRoot
      ? [
          {
            given: 'its user may not read the file',
            so: {},
            isHidden: true,
            words: "let PgBouncer's user read that file",
          },
        ]
      : []),
    {
      given: 'pgbouncer.ini has the last word',
      so: {after: 'app = host=127.0.0.1 port=1 dbname=other'},
      words: 'take "app" out of pgbouncer.ini',
    },
  ])('$given: named, what is ours is done, and nobody waits in vain', async ({so, isHidden = false, words}) => {
    const running = await pgbouncer(so)
    if (isHidden) {
      await rm(running.include)
      await writeFile(running.include, '', {mode: 0o600})
      await chown(running.include, 0, 0)
    }
    const target = pointed(running)
    for (const host of ['host1', 'host2'] as const) {
      const {outcome, steps, problems} = await target.apply(led(host), options)
      expect([outcome, problems.join()]).toEqual(['failed', expect.stringContaining(words)])
      expect(steps).not.toContain('PAUSE app')
      // What moved nothing is not said again and again.
      expect((await target.apply(led(host), options)).steps).toEqual([])
    }
  })

  test('PgBouncer is away: the file is put right for when it starts', async () => {
    const running = await pgbouncer()
    const target = pointed(running)
    await target.apply(led('host1'), options)
    await running.stop()
    const {outcome, problems} = await target.apply(led('host2'), options)
    expect([outcome, problems.join()]).toEqual(['failed', expect.stringContaining('does not run there')])
    await running.start()
    expect(await running.leads('app')).toBe(at('host2'))
    expect((await target.apply(led('host2'), options)).outcome).not.toBe('failed')
  })

  test('a wrong password: said with what to do', async () => {
    const running = await pgbouncer()
    const admin = {...running.admin, password: {from: 'config', text: 'wrong'}} as const
    const {outcome, problems} = await pointed({...running, admin}).apply(led('host1'), options)
    expect([outcome, problems.join()]).toEqual(['failed', expect.stringContaining('check the password')])
    expect(problems.join()).not.toContain('wrong')
  })

  test("PgBouncer's own pause after a failed connection is warned of where it costs more than the switch", async () => {
    const running = await pgbouncer({settings: ['server_login_retry = 15']})
    const {outcome, problems} = await pointed(running).apply(led('host1'), options)
    expect([outcome, problems]).toEqual(['applied', [expect.stringContaining('set it to 0.2')]])
  })

  test("somebody else's pause is his to end; what a former life of ours left is ended", async () => {
    const running = await pgbouncer()
    const target = pointed(running)
    await target.apply(led('host1'), options)
    await running.ask('PAUSE app')
    await target.apply(led('host2'), options)
    expect(await running.leads('app')).toBe(`${at('host2')} paused`)
    await pointed(running).apply(led('host2'), options)
    expect(await running.leads('app')).toBe(at('host2'))
  })

  test('nor is it ended by a target that a reload has made anew', async () => {
    const running = await pgbouncer()
    await pointed(running).apply(led('host1'), options)
    await running.ask('PAUSE app')
    await pointed(running, {}, {lateMs: 0}, undefined, false).apply(led('host1'), options)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
  })

  test('all of PgBouncer is paused by somebody: it moves all the same, and is where it should be when he ends it', async () => {
    const running = await pgbouncer()
    const target = pointed(running)
    await target.apply(led('host1'), options)
    await running.ask('PAUSE')
    expect(await target.apply(led('host2'), options)).toMatchObject({outcome: 'applied', problems: []})
    await running.ask('RESUME')
    expect(await running.leads('app')).toBe(at('host2'))
    await running.ask('PAUSE')
    expect(await target.apply(nobody(), options)).toMatchObject({outcome: 'applied'})
    await running.ask('RESUME')
    expect(await running.leads('app')).toBe(nowhere)
  })

  test('a RESUME that is lost when a maintenance begins is said again', async () => {
    const running = await pgbouncer()
    let isLost = false
    const open: OpenConsole = async (admin, signal) => {
      const console = await pgbouncerConsole(systemClock)(admin, signal)
      const ask = (text: string) =>
        isLost && text.startsWith('RESUME') ? Promise.reject(new Error('lost')) : console.ask(text)
      return {ask, [Symbol.dispose]: () => console[Symbol.dispose]()}
    }
    const target = pointed(running, {}, {lateMs: 0}, open)
    await target.apply(led('host1'), options)
    await target.apply(nobody(), options)
    isLost = true
    await target.rest?.(options.signal)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    isLost = false
    await target.rest?.(options.signal)
    expect(await running.leads('app')).toBe(at('host1'))
  })

  test('who leaves lets the clients go', async () => {
    const running = await pgbouncer()
    const target = pointed(running)
    await target.apply(led('host1'), options)
    await target.apply(nobody(), options)
    expect(await running.leads('app')).toBe(`${at('host1')} paused`)
    await target[Symbol.asyncDispose]()
    expect(await running.leads('app')).toBe(nowhere)
  })
})
