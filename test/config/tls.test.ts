import {execFileSync} from 'node:child_process'
import {generateKeyPairSync} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {problems, workplace} from './workplace.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const yaml = (ssl: Record<string, string>) => `hosts: {h1: {host: a}}\nssl: ${JSON.stringify(ssl)}\n`

/** A key and its certificate, as files and as base64. Needs the command `openssl`. */
async function paired() {
  const place = await workplace()
  const subject = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-days', '2']
  execFileSync('openssl', ['req', ...subject, '-keyout', 'key.pem', '-out', 'cert.pem'], {
    cwd: place.directory,
    stdio: 'ignore',
  })
  const text = (name: string) => readFileSync(join(place.directory, name), 'utf8')
  return {...place, cert: text('cert.pem'), key: text('key.pem')}
}

test('a certificate and its key: as base64, as files, and mixed', async () => {
  await using place = await paired()
  const [cert, key] = [base64(place.cert), base64(place.key)]
  expect(await place.load(yaml({cert, key}))).toMatchObject({
    port: 8443,
    ssl: {cert: {pem: place.cert}, key: {pem: place.key}, clientCa: null},
  })
  expect((await place.load(yaml({b64cert: cert, b64key: key, client_ca: cert}))).ssl?.clientCa).toEqual({
    pem: place.cert,
  })
  const files = await place.load(yaml({cert_file: 'cert.pem', key_file: 'key.pem', client_ca_file: 'cert.pem'}))
  expect(files.ssl?.cert).toEqual({file: join(place.directory, 'cert.pem')})
  expect((await place.load(yaml({cert, key_file: 'key.pem'}))).ssl?.key).toEqual({
    file: join(place.directory, 'key.pem'),
  })
})

test('what does not fit is refused, and says exactly how', async () => {
  await using place = await paired()
  const [cert, key] = [base64(place.cert), base64(place.key)]
  const other = base64(
    generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: {type: 'pkcs8', format: 'pem'},
      publicKeyEncoding: {type: 'spki', format: 'pem'},
    }).privateKey,
  )
  const rows: readonly [Record<string, string>, string, RegExp][] = [
    [
      {cert: key, key: cert},
      'CONFIG_PEM_SWAPPED',
      /ssl.cert holds a private key and ssl.key holds a certificate: they are swapped/,
    ],
    [{cert: key, key}, 'CONFIG_PEM', /holds a private key, not a certificate/],
    [{cert, key: cert}, 'CONFIG_PEM', /holds a certificate, not a private key/],
    [{cert: cert.slice(0, -3), key}, 'CONFIG_BASE64', /cut off/],
    [{cert: 'hello world!', key}, 'CONFIG_BASE64', /is not base64/],
    [{cert: base64('hello'), key}, 'CONFIG_PEM', /not of a certificate in PEM/],
    [{cert: place.cert, key}, 'CONFIG_BASE64', /is PEM, not base64/],
    [{cert: base64(place.cert.replace(/MII/, 'AAA')), key}, 'CONFIG_PEM', /can be used/],
    [{cert, key: other}, 'CONFIG_PEM_MISMATCH', /do not belong together/],
    [{cert, cert_file: 'cert.pem', key}, 'CONFIG_CONFLICT', /both cert and cert_file/],
    [{cert}, 'CONFIG_MISSING', /is missing/],
    [{cert_file: 'key.pem', key_file: 'key.pem'}, 'CONFIG_PEM', /holds a private key, not a certificate/],
  ]
  for (const [ssl, code, message] of rows) {
    const found = await problems(place.load(yaml(ssl)))
    expect(
      found.map((problem) => problem.code),
      String(message),
    ).toEqual([code])
    expect(found[0]?.message).toMatch(message)
    for (const secret of [key.slice(40, 80), other.slice(40, 80)]) expect(JSON.stringify(found)).not.toContain(secret)
  }
})

test('files that this user cannot read are a warning: check runs as the load balancer', async () => {
  await using place = await workplace()
  const config = await place.load(yaml({cert_file: '/nowhere/cert.pem', key_file: '/nowhere/key.pem'}))
  expect(config.ssl?.key).toEqual({file: '/nowhere/key.pem'})
  expect(config.warnings.map(({path}) => path)).toEqual(['ssl.cert_file', 'ssl.key_file'])
})
