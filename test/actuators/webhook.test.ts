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

/** A server that answers the n-th request (from 0) as told. */
async function receiver(answer: (response: ServerResponse, index: number) => void, server: Server = createServer()) {
  const heard: Heard[] = []
  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const {method = '', url = '', headers} = request
    answer(response, heard.push({method, url, headers, body, id: JSON.parse(body).id}) - 1)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(close)
  const {port} = server.address() as AddressInfo
  return {heard, port, url: `http://127.0.0.1:${port}${path}`, close, server}
}
const status =
  (...codes: number[]) =>
  (response: ServerResponse, index: number) =>
    void response.writeHead(codes[index] ?? 204).end(codes[index] === 204 ? '' : 'said')

test('each try is signed over its time and its body; 500, 429 and 302 are tried again, in order; nothing said holds a secret', async () => {
  const shop = workshop()
  writeFileSync(shop.at('secret'), 's3cret-key\n')
  const {heard, url, port} = await receiver((response, index) =>
    response
      .writeHead([500, 429, 302][index] ?? 204, index === 2 ? {location: `http://127.0.0.1:${port}/elsewhere`} : {})
      .end(),
  )
  await using told = stage({url: url.replace('//', '//bob:s3cret%40@'), secretFile: shop.at('secret')})
  told.tell(1, 2)
  await told.reported(5)
  expect(told.outcomes()).toBe('failed failed failed delivered delivered')
  expect(told.reports.map(({problem}) => problem?.slice(0, 12) ?? null)).toEqual([
    'answers 500:',
    'answers 429:',
    'answers 302:',
    null,
    null,
  ])
  expect(heard.map(({id}) => id.slice(-1)).join('')).toBe('11112')
  for (const {method, url, headers, body} of heard) {
    expect([method, url, headers['content-type']]).toEqual(['POST', path, 'application/json'])
    const stamp = String(headers['x-pgroute66-timestamp'])
    expect(headers['x-pgroute66-signature']).toBe(
      `sha256=${createHmac('sha256', 's3cret-key').update(`${stamp}.${body}`).digest('hex')}`,
    )
    expect(headers.authorization).toBe(`Basic ${Buffer.from('bob:s3cret@').toString('base64')}`)
    expect(JSON.parse(body)).toMatchObject({schema: 1, change: {to: 'primary'}, group: {verdict: {kind: 'primary'}}})
  }
  // The time of the try, by the wall clock: a repeated try is not taken for a repetition.
  const stamps = heard.map(({headers}) => Number(headers['x-pgroute66-timestamp']))
  expect(stamps.every((stamp) => Math.abs(stamp - told.clock.wall() / 1000) < 60)).toBe(true)
  expect(new Set(stamps).size).toBeGreaterThan(2)
  expect(told.hook.name).toBe(`hook http://127.0.0.1:${port}`)
  expect(told.said()).not.toContain('s3cret')
})

test('a refusal is not repeated; the next event is told', async () => {
  const {heard, url} = await receiver(status(404))
  await using told = stage({url})
  told.tell(1, 2)
  await told.reported(3)
  expect(told.outcomes()).toBe('failed dropped delivered')
  expect(told.reports[0]?.problem).toBe('answers 404: check the address in "post", and what the receiver expects')
  expect(heard.length).toBe(2)
  expect(heard[0]?.headers['x-pgroute66-signature']).toBeUndefined()
  expect(told.said()).not.toContain('s3cret')
})

test('Retry-After is waited for', async () => {
  const {heard, url} = await receiver((response, index) =>
    response.writeHead(index === 0 ? 503 : 200, {'retry-after': '40'}).end(),
  )
  await using told = stage({url})
  told.tell(1)
  await soon(() => told.reports.length === 1)
  await told.clock.run(39_900)
  expect(heard.length).toBe(1)
  await told.reported(2)
  expect(told.outcomes()).toBe('failed delivered')
})

test('without its secret nothing is sent; once it can be read, all is', async () => {
  const shop = workshop()
  const {heard, url} = await receiver(status())
  await using told = stage({url, secretFile: shop.at('secret')})
  told.tell(1)
  await told.reported(1)
  expect(told.reports[0]?.problem).toMatch(/^nothing is sent unsigned, and secret_file cannot be used \(ENOENT\)/)
  writeFileSync(shop.at('secret'), '\n')
  await told.reported(2)
  expect(told.reports[1]?.problem).toContain('(it is empty)')
  expect(heard).toEqual([])
  writeFileSync(shop.at('secret'), 's3cret')
  await told.reported(3)
  expect(told.outcomes()).toBe('failed failed delivered')
  expect(heard[0]?.headers['x-pgroute66-signature']).toMatch(/^sha256=[0-9a-f]{64}$/)
  rmSync(shop.at('secret'))
})

test('a secret in a folder or a pipe is no secret: reading it might never end', async () => {
  const shop = workshop()
  await using told = stage({url: 'http://127.0.0.1:1/', secretFile: shop.at('.'), retries: 0})
  told.tell(1)
  await told.reported(1)
  expect(told.reports[0]?.problem).toContain('it is no file of at most 64 KiB')
})

test('a server that hangs: ended at the time limit, tried again, and its connection is closed', async () => {
  const {heard, url, server} = await receiver((response, index) => (index === 0 ? undefined : response.end()))
  await using told = stage({url, timeoutMs: 10_000})
  told.tell(1)
  await soon(() => heard.length === 1)
  await told.clock.run(9_999)
  expect(told.reports).toEqual([])
  await told.clock.run(1)
  await soon(() => told.reports.length === 1)
  expect(told.reports[0]?.problem).toBe(
    'did not answer within 10 s: see why it hangs, or raise the timeout of the hook',
  )
  await soon(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count === 0))))
  await told.clock.run(1_000)
  await soon(() => told.reports.length === 2)
  expect(told.outcomes()).toBe('failed delivered')
})

test('an answer without end is not read to its end, and told is told', async () => {
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
  await using told = stage({url})
  told.tell(1)
  await soon(() => told.reports.length === 1)
  expect(told.outcomes()).toBe('delivered')
  await soon(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count === 0))))
})

test('nobody listens: said in words, without the path', async () => {
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
  await using told = stage({url: gone.url})
  told.tell(1)
  await told.reported(1)
  expect(told.reports[0]?.problem).toBe('refuses the connection: is it running, and is the port right?')
  expect(told.said()).not.toContain('s3cret')
})

test('a stop ends a request after a short while', async () => {
  const {heard, url} = await receiver(() => {})
  const told = stage({url})
  told.tell(1)
  await soon(() => heard.length === 1)
  await told[Symbol.asyncDispose]()
  expect(told.outcomes()).toBe('failed dropped')
  expect(told.clock.pending).toBe(0)
})

test.skipIf(lacks('openssl'))(
  'https: a certificate that nobody here trusts is named; one of a trusted authority is in order',
  async () => {
    const shop = workshop()
    const {cert, key} = selfSigned(shop.at('.'), 'hooks')
    const tls = {cert: readFileSync(cert), key: readFileSync(key)}
    const {heard, port} = await receiver(status(), createTlsServer(tls))
    await using told = stage({url: `https://127.0.0.1:${port}${path}`})
    told.tell(1)
    await told.reported(1)
    expect(told.reports[0]?.problem).toMatch(
      /^its certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\).*NODE_EXTRA_CA_CERTS/,
    )
    expect(heard).toEqual([])
    const authorities = getCACertificates('default')
    onTestFinished(() => setDefaultCACertificates(authorities))
    setDefaultCACertificates([...authorities, tls.cert.toString()])
    await told.reported(2)
    expect(told.outcomes()).toBe('failed delivered')
  },
)
