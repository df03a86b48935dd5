import {mkdtempSync, readFileSync} from 'node:fs'
import {type AddressInfo, connect} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import * as tls from 'node:tls'
import {expect, test} from 'vitest'
import {encrypt, tlsOptions} from '../../src/sources/pg/encryption.ts'
import {makeCertificates} from '../support/certificates.ts'
import {connection} from './pg-server.ts'

const isPostQuantum = Number.parseFloat(process.versions.openssl) >= 3.5

test.each(['P-256', 'X25519', 'P-384', 'P-521', 'X448', ...(isPostQuantum ? ['X25519MLKEM768'] : [])])(
  'a server that accepts only the curve %s: the handshake succeeds',
  async (curve) => {
    const folder = mkdtempSync(join(tmpdir(), 'pgroute66-curves-'))
    makeCertificates(folder)
    const [cert, key, root] = ['server.crt', 'server.key', 'ca.crt'].map((name) => readFileSync(join(folder, name)))
    const server = tls.createServer({cert, key, ecdhCurve: curve}).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const to = connection({sslmode: 'verify-full'})
    const raw = connect({host: '127.0.0.1', port: (server.address() as AddressInfo).port})
    const secured = await encrypt(
      tls,
      raw,
      tlsOptions(tls, to, {root: root ?? null, cert: null, key: null, crl: null}, true),
    )
    expect(secured.authorized).toBe(true)
    secured.destroy()
    server.close()
  },
)
