import {createHmac} from 'node:crypto'
import {once} from 'node:events'
import {readFileSync, rmSync, writeFileSync} from 'node:fs'
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'
import {createServer as createTlsServer} from 'node:https'
import {type AddressInfo, connect} from 'node:net'
import {getCACertificates, setDefaultCACertificates} from 'node:tls'
import {expect, onTestFinished, test} from 'vitest'
import {selfSigned} from '../api/certificates.ts'
import {lacks} from '../support/parts.ts'
import {soon, stage, workshop} from './hook-stage.ts'

const path = '/services/s3cret-path'
type Heard = Readonly<{method: string; url: string; headers: IncomingMessage['headers']; body: string; id: string}>

/** A server that answers the n-th request (from 0) by `answer`. */
async function receiver(answer: (response: ServerResponse, index: number) => void, server: Server = createServer()) {
  const received: Heard[] = []
  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const {method = '', url = '', headers} = request
    answer(response, received.push({method, url, headers, body, id: JSON.parse(body).id}) - 1)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(close)
  const {port} = server.address() as AddressInfo
  return {received, port, url: `http://127.0.0.1:${port}${path}`, close, server}
}
const status =
  (...codes: number[]) =>
  (response: ServerResponse, index: number) =>
    void response.writeHead(codes[index] ?? 204).end(codes[index] === 204 ? '' : 'said')

test('each try is signed over time and body; 500, 429 and 302 are tried again in order; no secret shows', async () => {
  const shop = workshop()
  writeFileSync(shop.at('secret'), 's3cret-key\n')
  const {received, url, port} = await receiver((response, index) =>
    response
      .writeHead([500, 429, 302][index] ?? 204, index === 2 ? {location: `http://127.0.0.1:${port}/elsewhere`} : {})
      .end(),
  )
  await using staged = stage({url: url.replace('//', '//bob:s3cret%40@'), secretFile: shop.at('secret')})
  staged.notify(1, 2)
  await staged.reported(5)
  expect(staged.outcomes()).toBe('failed failed failed delivered delivered')
  expect(staged.reports.map(({problem}) => problem?.slice(0, 12) ?? null)).toEqual([
    'answers 500:',
    'answers 429:',
    'answers 302:',
    null,
    null,
  ])
  expect(received.map(({id}) => id.slice(-1)).join('')).toBe('11112')
  for (const {method, url, headers, body} of received) {
    expect([method, url, headers['content-type']]).toEqual(['POST', path, 'application/json'])
    const stamp = String(headers['x-pgroute66-timestamp'])
    expect(headers['x-pgroute66-signature']).toBe(
      `sha256=${createHmac('sha256', 's3cret-key').update(`${stamp}.${body}`).digest('hex')}`,
    )
    expect(headers.authorization).toBe(`Basic ${Buffer.from('bob:s3cret@').toString('base64')}`)
    expect(JSON.parse(body)).toMatchObject({schema: 1, change: {to: 'primary'}, group: {verdict: {kind: 'primary'}}})
  }
  // The time of the try, by the wall clock: a repeated try is not taken for a repetition.
  const stamps = received.map(({headers}) => Number(headers['x-pgroute66-timestamp']))
  expect(stamps.every((stamp) => Math.abs(stamp - staged.clock.wall() / 1000) < 60)).toBe(true)
  expect(new Set(stamps).size).toBeGreaterThan(2)
  expect(staged.hook.name).toBe(`hook http://127.0.0.1:${port}`)
  expect(staged.shown()).not.toContain('s3cret')
})

test('a refused event is not repeated, and the next one is delivered', async () => {
  const {received, url} = await receiver(status(404))
  await using staged = stage({url})
  staged.notify(1, 2)
  await staged.reported(3)
  expect(staged.outcomes()).toBe('failed dropped delivered')
  expect(staged.reports[0]?.problem).toBe('answers 404: check the address in "post" and what the receiver expects')
  expect(received.length).toBe(2)
  expect(received[0]?.headers['x-pgroute66-signature']).toBeUndefined()
  expect(staged.shown()).not.toContain('s3cret')
})

test('the next try waits for Retry-After', async () => {
  const {received, url} = await receiver((response, index) =>
    response.writeHead(index === 0 ? 503 : 200, {'retry-after': '40'}).end(),
  )
  await using staged = stage({url})
  staged.notify(1)
  await soon(() => staged.reports.length === 1)
  await staged.clock.run(39_900)
  expect(received.length).toBe(1)
  await staged.reported(2)
  expect(staged.outcomes()).toBe('failed delivered')
})

test('without a readable secret no event is sent; with one, each is', async () => {
  const shop = workshop()
  const {received, url} = await receiver(status())
  await using staged = stage({url, secretFile: shop.at('secret')})
  staged.notify(1)
  await staged.reported(1)
  expect(staged.reports[0]?.problem).toMatch(/^gets no event while secret_file cannot be used \(ENOENT\)/)
  writeFileSync(shop.at('secret'), '\n')
  await staged.reported(2)
  expect(staged.reports[1]?.problem).toContain('(empty file)')
  expect(received).toEqual([])
  writeFileSync(shop.at('secret'), 's3cret')
  await staged.reported(3)
  expect(staged.outcomes()).toBe('failed failed delivered')
  expect(received[0]?.headers['x-pgroute66-signature']).toMatch(/^sha256=[0-9a-f]{64}$/)
  rmSync(shop.at('secret'))
})

test('secret_file must be a file: reading a folder or a pipe might never end', async () => {
  const shop = workshop()
  await using staged = stage({url: 'http://127.0.0.1:1/', secretFile: shop.at('.'), retries: 0})
  staged.notify(1)
  await staged.reported(1)
  expect(staged.reports[0]?.problem).toContain('not a file of at most 64 KiB')
})

test('a server that hangs: the try ends at the time limit, its connection closes, and a retry follows', async () => {
  const {received, url, server} = await receiver((response, index) => (index === 0 ? undefined : response.end()))
  await using staged = stage({url, timeoutMs: 10_000})
  staged.notify(1)
  await soon(() => received.length === 1)
  await staged.clock.run(9_999)
  expect(staged.reports).toEqual([])
  await staged.clock.run(1)
  await soon(() => staged.reports.length === 1)
  expect(staged.reports[0]?.problem).toBe('did not answer within 10 s: find out why it hangs, or raise its timeout')
  await soon(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count === 0))))
  await staged.clock.run(1_000)
  await soon(() => staged.reports.length === 2)
  expect(staged.outcomes()).toBe('failed delivered')
})

test('an endless answer is not read to its end, and the event counts as delivered', async () => {
  const {url, server} = await receiver((response) => {
    const flood = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    }
    response
      .writeHead(200)
      .on('drain', flood)
      .on('error', () => {})
    flood()
  })
  await using staged = stage({url})
  staged.notify(1)
  await soon(() => staged.reports.length === 1)
  expect(staged.outcomes()).toBe('delivered')
  await soon(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count === 0))))
})

test('a closed port: the problem says what to do, without the path', async () => {
  const gone = await receiver(status())
  gone.close()
  await soon(
    () =>
      new Promise((resolve) =>
        connect(gone.port, '127.0.0.1')
          .on('error', () => resolve(true))
          .on('connect', () => resolve(false)),
      ),
  )
  await using staged = stage({url: gone.url})
  staged.notify(1)
  await staged.reported(1)
  expect(staged.reports[0]?.problem).toBe('refuses the connection: is the receiver running, and is the port correct?')
  expect(staged.shown()).not.toContain('s3cret')
})

test('a stop ends a running request soon', async () => {
  const {received, url} = await receiver(() => {})
  const staged = stage({url})
  staged.notify(1)
  await soon(() => received.length === 1)
  await staged[Symbol.asyncDispose]()
  expect(staged.outcomes()).toBe('failed dropped')
  expect(staged.clock.pending).toBe(0)
})

test.skipIf(lacks('openssl'))(
  'https: an untrusted certificate is a problem with advice; a trusted one delivers',
  async () => {
    const shop = workshop()
    const {cert, key} = selfSigned(shop.at('.'), 'hooks')
    const tls = {cert: readFileSync(cert), key: readFileSync(key)}
    const {received, port} = await receiver(status(), createTlsServer(tls))
    await using staged = stage({url: `https://127.0.0.1:${port}${path}`})
    staged.notify(1)
    await staged.reported(1)
    expect(staged.reports[0]?.problem).toMatch(
      /^has an untrusted certificate \(DEPTH_ZERO_SELF_SIGNED_CERT\).*NODE_EXTRA_CA_CERTS/,
    )
    expect(received).toEqual([])
    const authorities = getCACertificates('default')
    onTestFinished(() => setDefaultCACertificates(authorities))
    setDefaultCACertificates([...authorities, tls.cert.toString()])
    await staged.reported(2)
    expect(staged.outcomes()).toBe('failed delivered')
  },
)
