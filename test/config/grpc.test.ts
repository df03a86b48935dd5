import {load as parseYaml} from 'js-yaml'
import {expect, test} from 'vitest'
import {effective} from '../../src/config/printing/effective.ts'
import {selfSigned} from '../api/certificates.ts'
import {problems, workplace} from './workplace.ts'

const hosts = 'hosts: {h1: {host: 10.0.0.1}, h2: {host: 10.0.0.2}, h3: {host: 10.0.0.3}}\n'

test('the call of harepd is answered on its port everywhere, and printed as it was written', async () => {
  await using place = await workplace()
  const {cert, key} = selfSigned(place.directory, 'node')
  const config = await place.load(`${hosts}grpc: {tls: {cert_file: ${cert}, key_file: ${key}}}`)
  expect(config.grpc).toEqual({
    bind: '0.0.0.0',
    port: 10_000,
    tls: {cert: {file: cert}, key: {file: key}, clientCa: null},
  })
  expect(config.warnings).toEqual([])
  expect(effective(config)).toMatchObject({grpc: {bind: '0.0.0.0', port: 10_000, tls: {cert_file: cert}}})
  expect((await place.load(hosts)).grpc).toBeNull()
})

test('without TLS it is warned of, but on this machine alone', async () => {
  await using place = await workplace()
  expect((await place.load(`${hosts}grpc: {}`)).warnings).toEqual([
    expect.objectContaining({path: 'grpc', message: expect.stringContaining('no tls')}),
  ])
  expect((await place.load(`${hosts}grpc: {bind: 127.0.0.1}`)).warnings).toEqual([])
})

test.each([
  ['port: 10000\ngrpc: {}', 'grpc.port', 'CONFIG_CONFLICT'],
  ['agent: {port: 10000}\ngrpc: {}', 'grpc.port', 'CONFIG_CONFLICT'],
  ['local: h1\nlocal_api: {primgr: {port: 10000}}\ngrpc: {}', 'grpc.port', 'CONFIG_CONFLICT'],
  ['grpc: {bind: "a b"}', 'grpc.bind', 'CONFIG_VALUE'],
  ['grpc: {tls: {cert_file: nowhere.pem}}', 'grpc.tls.key', 'CONFIG_MISSING'],
  ['grpc: {ssl: {}}', 'grpc.ssl', 'CONFIG_UNKNOWN_KEY'],
])('refused: %s', async (yaml, path, code) => {
  await using place = await workplace()
  expect(Object.keys(parseYaml(yaml) as object)).toContain('grpc')
  const found = await problems(place.load(`${hosts}${yaml}`))
  expect(found).toEqual([expect.objectContaining({path, code})])
})
