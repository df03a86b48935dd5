import {execFileSync} from 'node:child_process'
import {join} from 'node:path'

export type Pair = Readonly<{cert: string; key: string}>

/** A certificate for 127.0.0.1 and localhost, signed by itself. Needs the command `openssl`. */
export function selfSigned(dir: string, name: string): Pair {
  const pair = {cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`)}
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '2']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', pair.key, '-out', pair.cert], {
    stdio: 'ignore',
  })
  return pair
}

/** Settings of `ssl` that serve this certificate and ask clients for none. */
export const tlsOf = ({cert, key}: Pair) => ({cert: {file: cert}, key: {file: key}, clientCa: null})
