import {afterAll, beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import {type HostSession, isFailure} from '../../src/core/ports.ts'
import {pgDriver} from '../../src/sources/pg/driver.ts'
import {probeParts} from '../../src/sources/pg/probe-sql.ts'
import {sessionParts} from '../../src/sources/pg/session-facts.ts'
import {clock, connection, hasDebian, type Server, startServer, within} from './pg-server.ts'

const probe = {
  ...{intervalMs: 1000, fastIntervalMs: 100, timeoutMs: 10_000, connectTimeoutMs: 30_000},
  ...{
    maxAgeMs: 30_000,
    knockIntervalMs: 5000,
    loggedKnockIntervalMs: 10_000,
    pingIntervalMs: 0,
    fastPingIntervalMs: 0,
    pingTimeoutMs: 500,
  },
}
const position = expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/)

describe.skipIf(!hasDebian)('a server that denies functions', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
    server.sql('create role plain login')
  })
  afterAll(() => server.destroy())

  const change = (verb: string, name: string) => {
    server.sql(
      `${verb === 'grant' ? 'grant execute on' : 'revoke execute on'} function ${name} ${
        verb === 'grant' ? 'to' : 'from'
      } public`,
    )
  }
  const deny = (...names: readonly string[]) => {
    for (const name of names) change('revoke', name)
    onTestFinished(() => {
      for (const name of names) change('grant', name)
    })
  }
  function reached() {
    const warnings: string[] = []
    const time = {shiftMs: 0}
    const driver = pgDriver({
      host: {
        ...{name: 'host1', aliases: [], location: null, delayed: null},
        connection: connection({port: server.port, user: 'plain'}),
      },
      ...{probe, availability: null},
      clock: {...clock, now: () => clock.now() + time.shiftMs},
      warn: (text) => warnings.push(text),
    })
    onTestFinished(() => driver.close())
    const open = async (): Promise<HostSession> => {
      const session = await driver.open(within())
      if (isFailure(session)) throw new Error(session.detail)
      return session
    }
    return {warnings, time, open}
  }
  /** The questions that fail, as the server's log shows them. */
  const failing = async (run: () => Promise<unknown>) =>
    (await server.logDuring(run)).filter((line) => line.includes('ERROR:')).length

  test('the needs that the parts name are functions and views of PostgreSQL', () => {
    const parts = [
      ...Object.values(sessionParts),
      ...Object.values(probeParts({serverVersion: 150_000, mayListWal: true})),
    ]
    const needs = [...new Set(parts.flatMap((part) => part.needs))]
    const absent = needs.filter((need) => {
      const find = need.endsWith(')') ? 'to_regprocedure' : 'to_regclass'
      return server.sql(`select ${find}('pg_catalog.${need}') is null`) === 't'
    })
    expect([needs.length > 20, absent]).toEqual([true, []])
  })

  test('each other fact than the role is unknown, and a warning has the exact GRANT', async () => {
    deny('pg_control_system()', 'pg_current_wal_lsn()', 'pg_stat_get_wal_receiver()')
    const {warnings, open} = reached()
    const session = await open()
    expect(session.facts).toMatchObject({systemIdentifier: null, backendPid: expect.any(Number)})
    expect(session.facts.startedAt).not.toBeNull()
    for (const nudge of [false, true])
      expect(await session.probe({nudge}, within())).toMatchObject({
        ...{inRecovery: false, lsn: null, timeline: null, readOnly: false, backendsMax: 20, flushLsn: position},
      })
    const grant = (name: string) => `: GRANT EXECUTE ON FUNCTION pg_catalog.${name} TO plain;`
    expect(warnings).toEqual([
      expect.stringMatching(/^the system identifier is unknown/),
      expect.stringMatching(/^the write position is unknown/),
      expect.stringMatching(/^the timeline of a primary is unknown/),
      expect.stringMatching(/^whom a standby streams from is unknown/),
    ])
    const needed = ['pg_control_system()', 'pg_current_wal_lsn()', 'pg_current_wal_lsn()', 'pg_stat_get_wal_receiver()']
    needed.forEach((name, index) => void expect(warnings[index]?.endsWith(grant(name))).toBe(true))
  })

  test('the exact GRANT is all that it takes, within a minute', async () => {
    deny('pg_control_system()', 'pg_current_wal_lsn()')
    const {warnings, time, open} = reached()
    const session = await open()
    await session.probe({nudge: false}, within())
    for (const warning of warnings) server.sql(warning.slice(warning.indexOf('GRANT')))
    onTestFinished(() => void server.sql('drop owned by plain'))
    expect(await session.probe({nudge: false}, within())).toMatchObject({lsn: null})
    time.shiftMs += 60_000
    expect(await session.probe({nudge: false}, within())).toMatchObject({cause: 'closed'})
    const next = await open()
    expect(next.facts.systemIdentifier).toMatch(/^\d+$/)
    expect(await next.probe({nudge: false}, within())).toMatchObject({lsn: position, timeline: 1})
  })

  test('what was found out is asked no more, in no session, and what is denied later is found out once', async () => {
    deny('pg_control_system()', 'pg_current_wal_lsn()')
    const {open} = reached()
    const ask = async (session: HostSession) => {
      expect(await session.probe({nudge: false}, within())).toMatchObject({inRecovery: false})
    }
    const sessions: HostSession[] = []
    const opened = async () => {
      const session = await open()
      sessions.push(session)
      await ask(session)
      return session
    }
    const over = () => {
      for (const session of sessions.splice(0)) session.close()
    }
    expect(
      await failing(async () => {
        await opened()
        over()
      }),
    ).toBe(2)
    expect(
      await failing(async () => {
        const session = await opened()
        deny('pg_current_wal_flush_lsn()')
        await ask(session)
        await ask(session)
        over()
      }),
    ).toBe(1)
  })

  test('what is not supported is found out by trying: it is no privilege', async () => {
    const name = 'pg_current_wal_flush_lsn'
    server.sql(`alter function pg_catalog.${name}() rename to kept_aside`)
    server.sql(`create function pg_catalog.${name}() returns pg_lsn language plpgsql as
      $$ begin raise exception 'not here' using errcode = '0A000'; end $$`)
    onTestFinished(() => {
      server.sql(`drop function pg_catalog.${name}()`)
      server.sql(`alter function pg_catalog.kept_aside() rename to ${name}`)
    })
    const {warnings, open} = reached()
    const session = await open()
    expect(await session.probe({nudge: false}, within())).toMatchObject({flushLsn: null, lsn: position, timeline: 1})
    expect(warnings).toEqual([expect.stringContaining(`refuses ${name}() (PostgreSQL says: not here`)])
  })

  test('only the role of the host is required', async () => {
    deny('pg_is_in_recovery()')
    const session = await reached().open()
    expect(await session.probe({nudge: false}, within())).toMatchObject({
      cause: 'auth',
      detail: expect.stringContaining('GRANT EXECUTE ON FUNCTION pg_catalog.pg_is_in_recovery() TO plain;'),
    })
  })

  test('a server that denies pg_backend_pid() is not taken for a pooler', async () => {
    deny('pg_backend_pid()')
    const session = await reached().open()
    expect(session.facts.backendStart).toBeNull()
    expect(await session.probe({nudge: false}, within())).toMatchObject({inRecovery: false, lsn: position})
  })

  test('the server says its version also where current_setting() is denied', async () => {
    deny('current_setting(text)')
    const {warnings, open} = reached()
    const {facts} = await open()
    expect(facts).toMatchObject({clusterName: null, serverVersion: expect.any(Number)})
    expect(warnings.join()).not.toContain('null')
  })
})
