import {mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {isFailure} from '../../src/core/ports.ts'
import {probeSql} from '../../src/sources/pg/probe-sql.ts'
import {sessionSql} from '../../src/sources/pg/session-facts.ts'
import {driverFor} from '../sources/pg-server.ts'
import {makeCertificates} from './certificates.ts'
import {probeColumns, sessionColumns, startFakes} from './fake-postgres.ts'

/** The names of a SELECT's own columns, outside of every bracket. */
function columnsOf(sql: string): readonly string[] {
  let flat = sql
  while (/\([^()]*\)/.test(flat)) flat = flat.replace(/\([^()]*\)/g, '')
  const list = flat.slice(flat.lastIndexOf('select') + 6).replace(/\bfrom (state|given)\b.*/s, '')
  return list.split(',').map((column) => /(\w+)\s*$/.exec(column.trim())?.[1] ?? '')
}

test('the fake server answers the columns that a query asks for', () => {
  expect(probeColumns.map(({name}) => name)).toEqual(columnsOf(probeSql({serverVersion: 150_000, mayListWal: false})))
  expect(sessionColumns.map(({name}) => name)).toEqual(columnsOf(sessionSql()))
})

test.each([
  {over: 'plain', connection: {}},
  {over: 'TLS, by scram', connection: {sslmode: 'verify-full', password: {from: 'config', text: 'pgroute66'}}},
] as const)('the real driver takes the fake server for PostgreSQL: $over', async ({over, connection}) => {
  const certificates = mkdtempSync(join(tmpdir(), 'pgroute66-fakes-'))
  makeCertificates(certificates)
  const fakes = await startFakes(3, over === 'plain' ? undefined : certificates)
  try {
    const signal = AbortSignal.timeout(30_000)
    const roles: unknown[] = []
    for (const port of fakes.ports) {
      const driver = driverFor({
        host: '127.0.0.1',
        port,
        user: 'pgroute66',
        sslrootcert: join(certificates, 'ca.crt'),
        ...connection,
      })
      const session = await driver.open(signal)
      if (isFailure(session)) throw new Error(session.detail)
      const facts = await session.probe({nudge: false}, signal)
      roles.push(isFailure(facts) ? facts : [facts.inRecovery, facts.timeline, facts.receiver?.senderPort ?? null])
      expect(await driver.knock(signal)).toEqual({kind: 'fine', remoteAddress: '127.0.0.1'})
      session.close()
    }
    expect(roles).toEqual([
      [false, 1, null],
      [true, 1, fakes.ports[0]],
      [true, 1, fakes.ports[0]],
    ])
  } finally {
    fakes.stop()
  }
})
