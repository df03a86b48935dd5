import {once} from 'node:events'
import {copyFileSync} from 'node:fs'
import {Agent, request} from 'node:https'
import {connect} from 'node:net'
import {connect as connectTls, type TLSSocket} from 'node:tls'
import {expect, test, vi} from 'vitest'
import {primary, standby} from '../support/snapshots.ts'
import {selfSigned, tlsOf} from './certificates.ts'
import {folder, started} from './started.ts'

const draft = {hosts: {host1: primary(), host2: standby()}}

test('HTTPS: new connections get a renewed certificate, open ones keep the old one', async () => {
  using dir = folder()
  const [first, second] = [selfSigned(dir.path, 'first'), selfSigned(dir.path, 'second')]
  const pair = {cert: dir.at('cert.pem'), key: dir.at('cert.key')}
  copyFileSync(first.cert, pair.cert)
  copyFileSync(first.key, pair.key)
  await using api = await started(draft, {ssl: tlsOf(pair)})
  expect(api.url).toMatch(/^https:/)
  const agent = new Agent({keepAlive: true, maxSockets: 1, rejectUnauthorized: false})
  const nameNow = (how: object) =>
    new Promise<string>((resolve, reject) => {
      const asked = request(`${api.url}/v1/primary`, {...how}, (response) => {
        // Of the connection, which an agent may take back as soon as the answer is read.
        const {CN} = (response.socket as TLSSocket).getPeerCertificate().subject
        response.on('end', () => resolve(String(CN))).resume()
      })
      asked.on('error', reject).end()
    })
  expect(await nameNow({agent})).toBe('first')
  // The files are replaced one by one: until both match, the old certificate stays.
  copyFileSync(second.cert, pair.cert)
  await vi.waitFor(
    () => expect(api.log.lines.some(({message}) => /cannot be used; the old one stays/.test(message))).toBe(true),
    {
      timeout: 30_000,
    },
  )
  expect(await nameNow({agent: false, rejectUnauthorized: false})).toBe('first')
  copyFileSync(second.key, pair.key)
  await vi.waitFor(async () => expect(await nameNow({agent: false, rejectUnauthorized: false})).toBe('second'), {
    timeout: 30_000,
  })
  expect(await nameNow({agent})).toBe('first')
  agent.destroy()
})

test('TLS port: old TLS versions and clear text are disconnected', async () => {
  using dir = folder()
  await using api = await started(draft, {ssl: tlsOf(selfSigned(dir.path, 'server'))})
  const port = Number(new URL(api.url).port)
  const old = connectTls({
    port,
    host: '127.0.0.1',
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    ciphers: 'ALL@SECLEVEL=0',
    rejectUnauthorized: false,
  })
  await expect(once(old, 'secureConnect')).rejects.toThrow()
  const plain = connect(port, '127.0.0.1')
  plain.on('error', () => {})
  plain.write('GET / HTTP/1.1\r\n\r\n')
  await once(plain, 'close')
  expect((await api.ask('/v1/primary', {rejectUnauthorized: false})).status).toBe(200)
})
