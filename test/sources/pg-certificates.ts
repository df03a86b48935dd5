import {execFileSync} from 'node:child_process'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'

/** Elliptic: a new RSA key takes a second on a busy machine. */
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** A throw-away authority, and certificates of it. Needs the command `openssl`. */
export function authority(dir: string, name = 'ca') {
  const openssl = (...args: string[]) => void execFileSync('openssl', args, {cwd: dir, stdio: 'ignore'})
  openssl(
    'req',
    '-x509',
    ...newKey,
    ...['-subj', `/CN=${name}`, '-days', '2', '-keyout', `${name}.key`, '-out', `${name}.pem`],
  )
  return {
    root: join(dir, `${name}.pem`),
    /** A list that revokes this certificate. */
    revoke(cert: string) {
      writeFileSync(join(dir, 'index.txt'), '')
      writeFileSync(
        join(dir, 'ca.cnf'),
        '[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\ndefault_md = sha256\ndefault_crl_days = 2\n',
      )
      const by = ['-config', 'ca.cnf', '-keyfile', `${name}.key`, '-cert', `${name}.pem`]
      openssl('ca', ...by, '-revoke', cert)
      openssl('ca', ...by, '-gencrl', '-out', `${name}.crl`)
      return join(dir, `${name}.crl`)
    },
    /** `alternative`: as in `DNS:db.test,IP:127.0.0.1`; null: a certificate that has none. */
    issue(file: string, commonName: string, alternative: string | null) {
      const extension = alternative === null ? [] : ['-addext', `subjectAltName=${alternative}`]
      openssl(
        'req',
        ...newKey,
        ...['-subj', `/CN=${commonName}`, ...extension, '-keyout', `${file}.key`, '-out', `${file}.csr`],
      )
      const by = [
        ...['-CA', `${name}.pem`, '-CAkey', `${name}.key`, '-CAcreateserial'],
        ...['-days', '2', '-copy_extensions', 'copy'],
      ]
      openssl('x509', '-req', '-in', `${file}.csr`, ...by, '-out', `${file}.pem`)
      return {cert: join(dir, `${file}.pem`), key: join(dir, `${file}.key`)}
    },
  }
}
