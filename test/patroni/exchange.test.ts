import {once} from 'node:events'
import {mkdtempSync, readFileSync} from 'node:fs'
import {type AddressInfo, createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {PatroniError} from '../../src/patroni/error.ts'
import {PatroniMember} from '../../src/patroni/member.ts'
import {maxAnswerBytes, memberUrl, Transport, type TransportOptions} from '../../src/patroni/transport.ts'
import {makeCertificates} from '../support/certificates.ts'
import {lacks} from '../support/parts.ts'
import {json, type RawReply, type RawRequest, rawServer, sentence} from '../support/raw-server.ts'

const status = {state: 'running', role: 'master', patroni: {version: '3.0.2', scope: 'pg'}}
const memberAt = (url: string, options: TransportOptions = {}, readMs?: number) =>
  new PatroniMember(url, new Transport(options), readMs)
/** The error of a call that must not succeed. */
async function failure(call: Promise<unknown>): Promise<PatroniError> {
  const error = await call.then(
    () => null,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(PatroniError)
  return error as PatroniError
}

describe('what a member must not be able to do', () => {
  const bodies: readonly {given: string; reply: RawReply; wanted: object}[] = [
    {given: 'no JSON', reply: json('{"state": "run'), wanted: {kind: 'decode', reason: 'malformed'}},
    {given: 'a list', reply: json([]), wanted: {kind: 'decode', reason: 'malformed'}},
    {given: 'no role', reply: json({state: 'running'}), wanted: {kind: 'decode', reason: 'malformed'}},
    {given: 'a number as state', reply: json({...status, state: 5}), wanted: {kind: 'decode', reason: 'malformed'}},
    {
      given: 'a text as timeline',
      reply: json({...status, timeline: '7'}),
      wanted: {kind: 'decode', reason: 'malformed'},
    },
    {given: 'deep nesting', reply: json('['.repeat(1_000_000)), wanted: {kind: 'decode', reason: 'malformed'}},
    {given: 'no HTTP', reply: 'SSH-2.0-OpenSSH_9.2\r\n\r\n', wanted: {kind: 'decode', reason: 'not-http'}},
    {given: 'the end at once', reply: 'close', wanted: {kind: 'transport', reason: 'closed', delivery: 'maybe-sent'}},
    {
      given: 'an end within the body',
      reply: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"state"',
      wanted: {kind: 'transport', reason: 'closed', delivery: 'response-received'},
    },
    {
      given: 'headers without end',
      reply: `HTTP/1.0 200 OK\r\n${'X-Long: 0123456789\r\n'.repeat(10_000)}`,
      wanted: {kind: 'decode', reason: 'too-large'},
    },
    {
      given: 'a body without end',
      reply: json(`"${'x'.repeat(maxAnswerBytes + 1)}"`),
      wanted: {kind: 'decode', reason: 'too-large', delivery: 'response-received'},
    },
  ]
  test.each(bodies)('$given', async ({reply, wanted}) => {
    await using server = await rawServer(() => reply)
    const error = await failure(memberAt(server.url, {}, 60_000).status())
    expect(error).toMatchObject({...wanted, member: server.url})
    expect(error.message).toContain(`${server.url}/patroni`)
  })

  test('a slow one is given up when the time is over, however it drips', async () => {
    const drip = (socket: {write(text: string): unknown; on(name: 'close', run: () => void): unknown}) => {
      socket.write('HTTP/1.0 200 OK\r\n\r\n{')
      const timer = setInterval(() => socket.write(' '), 20)
      socket.on('close', () => clearInterval(timer))
    }
    await using server = await rawServer(() => drip)
    const error = await failure(memberAt(server.url, {}, 2_000).status())
    expect(error).toMatchObject({kind: 'transport', reason: 'timeout', delivery: 'response-received'})
  })

  test('a redirect is an answer, and is not followed', async () => {
    await using other = await rawServer(() => json(status))
    await using server = await rawServer(() => `HTTP/1.0 302 Found\r\nLocation: ${other.url}/patroni\r\n\r\n`)
    const member = memberAt(server.url)
    expect(await member.status()).toMatchObject({status: 302, data: null, headers: {location: `${other.url}/patroni`}})
    expect(await member.reload()).toMatchObject({status: 302, outcome: 'refused'})
    expect(other.requests).toEqual([])
  })

  test('500 answers of any bytes: an answer or an error, never a hang', async () => {
    let bytes: Uint8Array = new Uint8Array()
    await using server = await rawServer(() => Buffer.from(bytes))
    const member = memberAt(server.url, {}, 30_000)
    const line = fc.constantFrom(
      'HTTP/1.0 200 OK\r\n',
      'HTTP/1.1 503 X\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n',
      '',
    )
    const noise = fc.tuple(line, fc.constantFrom('\r\n', ''), fc.string(), fc.json(), fc.uint8Array({maxLength: 64}))
    const asked = ['/leader', '/cluster', '/history', '/config'] as const
    const ask = {
      '/leader': () => member.health('/leader'),
      '/cluster': () => member.cluster(),
      '/history': () => member.history(),
      '/config': () => member.config(),
    }
    await fc.assert(
      fc.asyncProperty(noise, fc.constantFrom(...asked), async ([head, gap, text, body, tail], path) => {
        bytes = Buffer.concat([Buffer.from(head + gap + text + body), tail])
        const heard = await ask[path]().catch((error: unknown) => error)
        expect(heard instanceof Error ? heard instanceof PatroniError : 'status' in (heard as object)).toBe(true)
      }),
      {numRuns: 500, seed: 66},
    )
  })
})

describe('delivery', () => {
  test('refused: not sent', async () => {
    const server = await rawServer(() => 'close')
    await server[Symbol.asyncDispose]()
    const error = await failure(memberAt(server.url).switchover({leader: 'node1'}))
    expect(error).toMatchObject({kind: 'transport', reason: 'refused', delivery: 'not-sent'})
  })

  test('a name that leads nowhere: not sent', async () => {
    const error = await failure(memberAt('http://patroni.invalid:8008', {}, 60_000).status())
    expect(error).toMatchObject({kind: 'transport', reason: 'dns', delivery: 'not-sent'})
  })

  test('an order whose answer is lost may have been carried out, and is sent once', async () => {
    await using server = await rawServer(() => 'close')
    const error = await failure(memberAt(server.url).switchover({leader: 'node1', candidate: 'node2'}))
    expect(error).toMatchObject({reason: 'closed', delivery: 'maybe-sent'})
    expect(server.requests).toHaveLength(1)
    expect(server.connections()).toBe(1)
  })

  test('aborted while it connects or waits: one connection at most', async () => {
    await using server = await rawServer(() => 'hang')
    const abort = new AbortController()
    const call = memberAt(server.url, {}, 60_000).status({signal: abort.signal})
    abort.abort()
    expect(await failure(call)).toMatchObject({reason: 'aborted'})
    expect(server.connections()).toBeLessThanOrEqual(1)
  })

  test('aborted before the start: nothing is sent', async () => {
    await using server = await rawServer(() => json(status))
    const error = await failure(memberAt(server.url).reload({signal: AbortSignal.abort()}))
    expect(error).toMatchObject({reason: 'aborted', delivery: 'not-sent'})
    expect(server.requests).toEqual([])
  })

  test('aborted while it waits: maybe sent', async () => {
    const abort = new AbortController()
    await using server = await rawServer(() => {
      abort.abort()
      return 'hang'
    })
    const error = await failure(memberAt(server.url).reload({signal: abort.signal}))
    expect(error).toMatchObject({reason: 'aborted', delivery: 'maybe-sent'})
  })
})

describe('orders', () => {
  const orders: readonly {
    order: string
    call: (member: PatroniMember) => Promise<unknown>
    line: string
    body: string
  }[] = [
    {
      order: 'switchover',
      call: (member) => member.switchover({leader: 'node1', candidate: 'node2'}),
      line: 'POST /switchover',
      body: '{"leader":"node1","candidate":"node2"}',
    },
    {
      order: 'failover',
      call: (m) => m.failover({candidate: 'node2'}),
      line: 'POST /failover',
      body: '{"candidate":"node2"}',
    },
    {
      order: 'restart',
      call: (m) => m.restart({restart_pending: true}),
      line: 'POST /restart',
      body: '{"restart_pending":true}',
    },
    {
      order: 'reinitialize',
      call: (m) => m.reinitialize({force: true}),
      line: 'POST /reinitialize',
      body: '{"force":true}',
    },
    {order: 'reload', call: (m) => m.reload(), line: 'POST /reload', body: '{}'},
    {order: 'cancel a restart', call: (m) => m.cancelRestart(), line: 'DELETE /restart', body: ''},
    {order: 'cancel a switchover', call: (m) => m.cancelSwitchover(), line: 'DELETE /switchover', body: ''},
    {order: 'put config', call: (m) => m.putConfig({ttl: 30}), line: 'PUT /config', body: '{"ttl":30}'},
    {order: 'patch config', call: (m) => m.patchConfig({pause: true}), line: 'PATCH /config', body: '{"pause":true}'},
  ]
  test.each(orders)('$order', async ({call, line, body}) => {
    await using server = await rawServer(() => json({ttl: 30}))
    await call(memberAt(server.url))
    const [request] = server.requests
    expect([`${request?.method} ${request?.path}`, request?.body, server.requests.length]).toEqual([line, body, 1])
  })

  test('the sentence, and what it means', async () => {
    await using server = await rawServer(() => sentence('Switchover failed', '503 Service Unavailable'))
    const answer = await memberAt(server.url).switchover({leader: 'node1'})
    expect(answer).toMatchObject({outcome: 'failed', text: 'Switchover failed'})
  })

  test("the HTML of Python's server is told by its message", async () => {
    const html = '<html>\n<p>Error code: 411</p>\n<p>Message: Length Required.</p>\n</html>'
    await using server = await rawServer(() => sentence(html, '411 Length Required'))
    expect(await memberAt(server.url).reload()).toMatchObject({text: 'Length Required', outcome: 'refused', raw: html})
  })

  test('a changed configuration that cannot be read is an error after the answer', async () => {
    await using server = await rawServer(() => json('nonsense'))
    const error = await failure(memberAt(server.url).patchConfig({pause: true}))
    expect(error).toMatchObject({kind: 'decode', delivery: 'response-received'})
  })
})

describe('password and certificates', () => {
  const basic = `Basic ${Buffer.from('admin:sécret').toString('base64')}`
  const needsPassword = ({method, head}: RawRequest): RawReply => {
    const sent = /^authorization: (.*)$/im.exec(head)?.[1]
    if (method === 'GET') return sent === undefined ? json(status) : sentence('leaked', '500 X')
    if (sent === undefined) return sentence('no auth header received', '401 Unauthorized')
    return sent === basic ? sentence('reload scheduled', '202 Accepted') : sentence('not authenticated', '401 X')
  }

  test('the password goes with orders, and with no question', async () => {
    await using server = await rawServer(needsPassword)
    const member = memberAt(server.url, {auth: {user: 'admin', password: 'sécret'}})
    expect([(await member.status()).status, (await member.reload()).status]).toEqual([200, 202])
    expect(await memberAt(server.url).reload()).toMatchObject({status: 401, text: 'no auth header received'})
    const wrong = memberAt(server.url, {auth: {user: 'admin', password: 'x'}})
    expect(await wrong.reload()).toMatchObject({status: 401, text: 'not authenticated'})
  })

  test.skipIf(lacks('openssl'))(
    'TLS: an authority, a client certificate, and what each failure is called',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'pgroute66-patroni-'))
      makeCertificates(folder)
      const [ca, cert, key] = ['ca.crt', 'server.crt', 'server.key'].map((name) =>
        readFileSync(join(folder, name), 'utf8'),
      )
      await using server = await rawServer(() => json(status), {cert, key, ca, requestCert: true})
      const known = {ca, cert, key}
      expect(await memberAt(server.url, {tls: known}, 60_000).status()).toMatchObject({status: 200})
      // Since TLS 1.3 the client learns of the refusal after the handshake.
      const unknown = await failure(memberAt(server.url, {tls: {ca}}, 60_000).status())
      expect(unknown.message).toMatch(/Does it ask for a client certificate\?$/)
      expect(await failure(memberAt(server.url, {}, 60_000).status())).toMatchObject({
        kind: 'auth',
        reason: 'tls',
        delivery: 'not-sent',
      })
      const misnamed = memberAt(server.url, {tls: {...known, serverName: 'other.example'}}, 60_000)
      expect(await failure(misnamed.status())).toMatchObject({kind: 'auth', delivery: 'not-sent'})
      const plain = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.0 400 Bad\r\n\r\n'))
      await once(plain.listen(0, '127.0.0.1'), 'listening')
      const confused = memberAt(`https://127.0.0.1:${(plain.address() as AddressInfo).port}`, {}, 60_000)
      expect(await failure(confused.status())).toMatchObject({kind: 'auth', delivery: 'not-sent'})
      plain.close()
    },
  )

  test('a URL with a password is refused, and the password is not shown', () => {
    expect(() => memberUrl('http://admin:s3cret@m1:8008')).toThrow(/the URL of m1:8008 holds a password/)
    expect(() => memberUrl('ftp://admin:s3cret@m1')).toThrow(/^(?!.*s3cret).*is not the address of a member/)
  })

  test.each([
    ['http://10.0.0.1:8008/patroni', 'http://10.0.0.1:8008'],
    ['10.244.21.8:32769', 'http://10.244.21.8:32769'],
    ['https://[::1]:8008/', 'https://[::1]:8008'],
  ])('the address %s is %s', (text, url) => expect(memberUrl(text)).toBe(url))
})
