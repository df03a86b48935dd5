import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {failureFrom} from '../../src/sources/pg/failure.ts'
import {backOff, noBackoff} from '../../src/sources/pg/heartbeat-backoff.ts'
import {heartbeatSql} from '../../src/sources/pg/heartbeat-sql.ts'
import {firstReply, sslRequest, startupMessage} from '../../src/sources/pg/protocol.ts'
import {addressesNow, resolver} from '../../src/sources/pg/resolver.ts'
import {logsKnocks} from '../../src/sources/pg/session-facts.ts'
import {isUnix, mayRetry, sslAttempts} from '../../src/sources/pg/ssl-attempts.ts'
import {clock, connection} from './pg-server.ts'

describe('order of plain and TLS attempts', () => {
  test('each sslmode has the order of libpq', () => {
    expect(sslAttempts(connection({sslmode: 'disable'}))).toEqual(['plain'])
    expect(sslAttempts(connection({sslmode: 'allow'}))).toEqual(['plain', 'tls'])
    expect(sslAttempts(connection({sslmode: 'prefer'}))).toEqual(['tls-or-plain', 'plain'])
    for (const sslmode of ['require', 'verify-ca', 'verify-full'] as const)
      expect(sslAttempts(connection({sslmode}))).toEqual(['tls'])
  })
  test('a unix socket never uses TLS; hostaddr always means TCP', () => {
    expect(sslAttempts(connection({host: '/run/postgresql', sslmode: 'verify-full'}))).toEqual(['plain'])
    expect(isUnix(connection({host: '/run/postgresql', hostaddr: '10.0.0.1'}))).toBe(false)
  })
  test('a second attempt only after a missing line of pg_hba.conf or a failed handshake', () => {
    const failed = (cause: 'auth' | 'tls', sqlstate: string | null) => ({cause, detail: '', sqlstate})
    expect(mayRetry(failed('auth', '28000'), 'plain')).toBe(true)
    expect(mayRetry(failed('auth', '28P01'), 'tls-or-plain')).toBe(false)
    expect(mayRetry(failed('tls', null), 'tls-or-plain')).toBe(true)
    expect(mayRetry(failed('tls', null), 'tls')).toBe(false)
  })
})

describe('wire protocol', () => {
  test('SSLRequest and StartupMessage as documented', () => {
    expect(sslRequest.readInt32BE(4)).toBe(80877103)
    const message = startupMessage({user: 'u', database: 'd'})
    expect(message.readInt32BE(0)).toBe(message.length)
    expect(message.subarray(8).toString()).toBe('user\0u\0database\0d\0\0')
  })
  const error = Buffer.concat([
    Buffer.from('E'),
    Buffer.from([0, 0, 0, 0]),
    Buffer.from('SFATAL\0VFATAL\0C57P03\0Mnein\0\0'),
  ])
  error.writeInt32BE(error.length - 1, 1)
  test('a first reply in pieces is incomplete until the last byte', () => {
    for (let cut = 0; cut < error.length; cut += 1) expect(firstReply(error.subarray(0, cut))).toBeNull()
    expect(firstReply(error)).toEqual({kind: 'error', sqlstate: '57P03', message: 'nein'})
    expect(firstReply(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 10]))).toEqual({kind: 'authentication', ok: false})
    expect(firstReply(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x53]))).toEqual({kind: 'authentication', ok: true})
    expect(firstReply(Buffer.from('Ecould not fork\n\0'))).toEqual({
      kind: 'error',
      sqlstate: null,
      message: 'could not fork',
    })
    expect(firstReply(Buffer.from('HTTP/1.1 400'))).toEqual({kind: 'alien'})
  })
  test('random bytes: a reply or a wait for more bytes, never an exception', () => {
    fc.assert(fc.property(fc.uint8Array({maxLength: 64}), (bytes) => void firstReply(Buffer.from(bytes))))
  })
})

describe('heartbeats that hang', () => {
  test('two at once, then one per wait, which doubles up to half a minute', () => {
    let backoff = noBackoff
    const waits = Array.from({length: 9}, () => {
      backoff = backOff(backoff, 0)
      return backoff.notBefore
    })
    expect(waits).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })
})

test('a table name with quotes or semicolons is quoted as an identifier', () => {
  expect(heartbeatSql('ops."x"; drop').beat).toContain('update "ops"."""x""; drop" ')
  expect(heartbeatSql("it's").survey).toContain(`to_regclass('"public"."it''s"')`)
})

describe('errors as values', () => {
  const to = connection({host: 'db', user: 'u'})
  const errno = (code: string) => Object.assign(new Error(code), {code})
  test('refused only if every address refused', () => {
    expect(failureFrom(new AggregateError([errno('ECONNREFUSED'), errno('ECONNREFUSED')]), to).cause).toBe('refused')
    expect(failureFrom(new AggregateError([errno('ECONNREFUSED'), errno('ETIMEDOUT')]), to).cause).toBe('timeout')
  })
  test('an address without a route from this machine counts only if every address is one', () => {
    expect(failureFrom(new AggregateError([errno('EADDRNOTAVAIL'), errno('ECONNREFUSED')]), to).cause).toBe('refused')
    expect(failureFrom(new AggregateError([errno('ENETUNREACH'), errno('ENETUNREACH')]), to).cause).toBe('timeout')
  })
  test('a refused login suggests password_encoding', () => {
    const said = Object.assign(new Error('authentification par mot de passe échouée'), {
      code: '28P01',
      severity: 'FATAL',
    })
    expect(failureFrom(said, to)).toMatchObject({
      cause: 'auth',
      sqlstate: '28P01',
      detail: expect.stringContaining('password_encoding: plain'),
    })
  })
})

describe('names', () => {
  const never = new Promise<never>(() => undefined)
  const found = [{address: '10.0.0.9', family: 4}]
  const silent = () => ({answer: never, cancel: () => undefined})

  test('an address is never looked up', async () => {
    const ask = resolver(clock, {system: () => never, direct: silent})
    expect(await ask('::1')).toEqual([{address: '::1', family: 6}])
  })
  test('a name that hangs in the system is asked of DNS, and asked of the system only once', async () => {
    let asked = 0
    const system = () => {
      asked += 1
      return never
    }
    const ask = resolver(clock, {system, direct: () => ({answer: Promise.resolve(found), cancel: () => undefined})})
    expect(await Promise.all([ask('hangs.test'), ask('hangs.test')])).toEqual([found, found])
    expect(await ask('hangs.test')).toEqual(found)
    expect(asked).toBe(1)
  })
  test('an empty answer of DNS is not final: the resolver waits for the system', async () => {
    const late = Promise.withResolvers<typeof found>()
    const direct = () => {
      late.resolve(found)
      return {answer: Promise.resolve([]), cancel: () => undefined}
    }
    expect(await resolver(clock, {system: () => late.promise, direct})('hosts-file.test')).toEqual(found)
  })
  test('an error of the system is final', async () => {
    const ask = resolver(clock, {system: () => Promise.reject(errnoError), direct: silent})
    await expect(ask('missing.test')).rejects.toBe(errnoError)
  })
  test('where a name leads now: its addresses; none after an error, or once the question is given up', async () => {
    const signal = new AbortController().signal
    expect(await addressesNow(async () => found, 'db.test', signal)).toEqual(['10.0.0.9'])
    expect(await addressesNow(() => Promise.reject(errnoError), 'missing.test', signal)).toEqual([])
    expect(await addressesNow(() => never, 'hangs.test', AbortSignal.abort())).toEqual([])
  })
  const errnoError = Object.assign(new Error('ENOTFOUND'), {code: 'ENOTFOUND'})
})

describe('log_connections, which PostgreSQL 18 shows as it was written', () => {
  const logged = ['on', 'true', 'TRUE', 'yes', '1', ' on', 'all', 'ALL', 'Receipt,authentication', '"receipt"']
  const notLogged = ['off', 'false', 'no', '0', '', 'authentication,authorization', 'setup_durations', null]
  for (const [settings, isLogged] of [[logged, true] as const, [notLogged, false] as const])
    test.each(settings.map((setting) => ({setting})))(`$setting: a knock is logged: ${isLogged}`, ({setting}) =>
      expect(logsKnocks(setting)).toBe(isLogged),
    )
})
