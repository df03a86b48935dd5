import {execFileSync} from 'node:child_process'

/**
 * `ca.crt`, and `server.crt` + `server.key` for localhost and 127.0.0.1 (also good for the daemon).
 */
export function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, {cwd: folder, stdio: ['ignore', 'ignore', 'pipe']})
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '30', '-subj', '/CN=pgroute66 test CA')
  openssl(
    'req',
    '-x509',
    ...ec,
    '-keyout',
    'server.key',
    '-out',
    'server.crt',
    '-days',
    '30',
    '-subj',
    '/CN=localhost',
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  )
}
