import {describe, expect, test} from 'vitest'
import {isFailure} from '../../src/core/ports.ts'
import type {ConnectionSettings} from '../../src/core/settings.ts'
import {authenticationGate, isLoopback} from '../../src/sources/pg/authentication/gate.ts'
import {allowed, hostileKinds, negative} from './hostile-kinds.ts'
import {knowing, login, secret} from './hostile-server.ts'
import {connection} from './pg-server.ts'

/**
 * Servers that no PostgreSQL is. The client gives each a cause, sends it no secret, and goes on: an
 * exception in a socket's event would end the daemon.
 */

describe('a hostile server', () => {
  test.each(hostileKinds.map((row) => ({server: row[0], row})))('$server', async ({row}) => {
    const [, does, cause, detail, change] = row
    const {session, sent} = await login(does, change)
    expect(isFailure(session)).toBe(true)
    if (!isFailure(session)) return
    expect(session.cause).toMatch(cause)
    expect(session.detail).toMatch(detail)
    expect(session.detail.length).toBeLessThan(700)
    expect(`${sent}${JSON.stringify(session)}`).not.toContain(secret)
  })

  test('an honest one: each row above differs from this in one thing', async () => {
    const {session} = await login(knowing({}))
    expect(isFailure(session) && session.detail).toMatch(/did not answer in time/)
  })
})

describe('a password in the clear', () => {
  const heard = (change: Partial<ConnectionSettings>, isEncrypted: boolean, isLocal: boolean) =>
    authenticationGate(connection(change), {isEncrypted, isLocal}).hear({name: 'authenticationCleartextPassword'})
  const password = allowed('password', ['password'])

  test('goes to another machine by TLS, or where require_auth names it', () => {
    expect(heard({}, false, false)).toMatch(/in the clear.*require_auth=password/)
    expect(heard({requireAuth: negative('!md5', ['password', 'scram-sha-256'])}, false, false)).toMatch(/in the clear/)
    expect(heard({}, true, false)).toBe(null)
    expect(heard({}, false, true)).toBe(null)
    expect(heard({requireAuth: password}, false, false)).toBe(null)
  })
  test('is local on a unix socket and on the loopback interface, in every form', () => {
    for (const address of [null, '127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      expect(isLoopback(address)).toBe(true)
    for (const address of ['10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '127.evil.example', '1270.0.0.1', ''])
      expect(isLoopback(address)).toBe(false)
  })
})
